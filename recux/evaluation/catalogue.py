"""What the slates are like, beyond being right: how much of the catalogue, how alike, how new, how surprising."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recux.evaluation.figure import FigureValue, figure, missing
from recux.evaluation.satisfaction import person_means
from recux.stats import bounded_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COMPLETE = "complete count of what was shown: no sample, so the interval has no width"
LONGEST = 100
"""Places of a slate that its diversity looks at."""

COVERAGE = "Share of the catalogue that was shown to somebody"
GINI = "Inequality of exposure over the catalogue: 0 all items equally often, 1 one item only"
DIVERSITY = "1 - Jaccard similarity of category and tags, mean over the pairs of a slate, then over slates and people"
NOVELTY = "-log2 of the share of people who reacted to an item, mean over shown items, then over people, in bits"
SERENDIPITY = "Share of rated items that are relevant and not among the most popular ones, mean over people"


def figures(exposures: pd.DataFrame, items: pd.DataFrame, *, relevant_from: float) -> dict[str, FigureValue]:
    """Coverage, gini, diversity, novelty and serendipity of the exposures."""
    if exposures.empty or items.empty:
        words = {"coverage": COVERAGE, "gini": GINI, "diversity": DIVERSITY}
        words |= {"novelty": NOVELTY, "serendipity": SERENDIPITY}
        return {name: missing("no slate was shown to anybody", definition, n=0) for name, definition in words.items()}
    codes = pd.Index(items["item"]).get_indexer(exposures["item"])
    shown = np.bincount(codes, minlength=len(items)).astype(np.float64)
    popular = popularity(exposures, codes, len(items))
    return {
        "coverage": _counted(float((shown > 0).mean()), exposures, COVERAGE),
        "gini": _counted(gini(shown), exposures, GINI),
        "diversity": _diversity(exposures, codes, items),
        "novelty": _novelty(exposures, codes, popular),
        "serendipity": _serendipity(exposures, codes, popular, relevant_from),
    }


def gini(counts: Floats) -> float:
    """Gini coefficient of non-negative counts that are not all 0."""
    ordered, n = np.sort(counts), len(counts)
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum()))


def popularity(exposures: pd.DataFrame, codes: Ints, n_items: int) -> Floats:
    """Number of people who rated, clicked or bought each item."""
    reacted = (exposures["rating"].notna() | exposures["clicked"] | exposures["purchased"]).to_numpy()
    pairs = pd.DataFrame({"item": codes[reacted], "person": exposures["participant"].to_numpy()[reacted]})
    return np.bincount(pairs.drop_duplicates()["item"], minlength=n_items).astype(np.float64)


def pair_distances(exposures: pd.DataFrame, codes: Ints, items: pd.DataFrame) -> pd.DataFrame:
    """``slate`` and mean ``distance`` (0 to 1) over the pairs of its first 100 items; slates of one item have none."""
    slate = exposures["slate"].to_numpy()
    features, kind = _features(items)
    kinds = kind[codes]
    left, right, where = [], [], []
    for lag in range(1, LONGEST):
        same = np.flatnonzero(slate[lag:] == slate[:-lag])
        if len(same) == 0:
            break
        left.append(kinds[same])
        right.append(kinds[same + lag])
        where.append(slate[same])
    if not left:
        return pd.DataFrame({"slate": [], "distance": []})
    distance = _jaccard_distance(np.concatenate(left), np.concatenate(right), features)
    pairs = pd.DataFrame({"slate": np.concatenate(where), "distance": distance})
    return pairs.groupby("slate")["distance"].mean().reset_index()


def _features(items: pd.DataFrame) -> tuple[sparse.csr_matrix, Ints]:
    """Category and tags as 0/1, one row for each distinct set, and which set each item has."""
    described = [
        frozenset([*([("category", category)] if category else []), *(("tag", tag) for tag in tags or [])])
        for category, tags in zip(items["category"], items["tags"], strict=True)
    ]
    kinds, sets = pd.factorize(pd.Series(described, dtype=object))
    names = {name: column for column, name in enumerate(sorted({name for one in sets for name in one}))}
    places = [(row, names[name]) for row, one in enumerate(sets) for name in one]
    rows, columns = zip(*places, strict=True) if places else ((), ())
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(sets), max(1, len(names))))
    return matrix, kinds.astype(np.int64)


def _jaccard_distance(left: Ints, right: Ints, features: sparse.csr_matrix) -> Floats:
    """Distance of each pair of feature sets; NaN where one is empty, as nothing is known then."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    pairs, back = np.unique(low * features.shape[0] + high, return_inverse=True)
    a, b = features[pairs // features.shape[0]], features[pairs % features.shape[0]]
    both = np.asarray(a.multiply(b).sum(axis=1)).ravel()
    sizes_a, sizes_b = (np.asarray(side.sum(axis=1)).ravel() for side in (a, b))
    known = (sizes_a > 0) & (sizes_b > 0)
    either = np.where(known, sizes_a + sizes_b - both, 1.0)
    return np.where(known, 1 - both / either, np.nan)[back]


def _diversity(exposures: pd.DataFrame, codes: Ints, items: pd.DataFrame) -> FigureValue:
    of_slates = pair_distances(exposures, codes, items).dropna()
    if of_slates.empty:
        return missing("no slate has two items with a category or tags", DIVERSITY, n=0)
    people = exposures[["slate", "participant"]].drop_duplicates("slate")
    means = person_means(of_slates.merge(people, on="slate"), "distance")
    return figure(bounded_mean(means, low=0, high=1), DIVERSITY)


def _novelty(exposures: pd.DataFrame, codes: Ints, popular: Floats) -> FigureValue:
    people = exposures["participant"].nunique()
    # one imagined reaction, so that an item nobody reacted to is new, not infinitely new
    bits = -np.log2((popular + 1) / (people + 1))
    means = person_means(exposures[["participant"]].assign(bits=bits[codes]), "bits")
    return figure(bounded_mean(means, low=0, high=float(np.log2(people + 1))), NOVELTY)


def _serendipity(exposures: pd.DataFrame, codes: Ints, popular: Floats, relevant_from: float) -> FigureValue:
    """Against what a popularity list as long as the slate would have shown (Ge, Delgado-Battenfeld, Jannach 2010)."""
    rated = exposures["rating"].notna().to_numpy()
    if not rated.any():
        return missing("no shown item was rated", SERENDIPITY, n=0)
    place = pd.Series(popular).rank(method="min", ascending=False).to_numpy()  # 1 = most popular
    length = exposures.groupby("slate")["item"].transform("size").to_numpy()
    surprising = (exposures["rating"].to_numpy() >= relevant_from) & (place[codes] > length)
    rows = exposures.loc[rated, ["participant"]].assign(surprising=surprising[rated].astype(np.float64))
    return figure(bounded_mean(person_means(rows, "surprising"), low=0, high=1), SERENDIPITY)


def _counted(value: float, exposures: pd.DataFrame, definition: str) -> FigureValue:
    people = int(exposures["participant"].nunique())
    return FigureValue(value, value, value, people, definition, COMPLETE)
