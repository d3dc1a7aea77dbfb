"""What the slates are like, beyond being right: how much of the catalogue, how alike, how new, how surprising."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recux.evaluation.figure import FigureValue, figure, missing
from recux.evaluation.satisfaction import person_means
from recux.stats import bounded_mean, coverage, gini

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COMPLETE = "complete count of what was shown: no sample, so the interval has no width"

COVERAGE = "Share of the catalogue that was shown to somebody"
GINI = "Inequality of exposure over the catalogue: 0 all items equally often, 1 one item only"
DIVERSITY = "1 - cosine of category and tags, mean over the pairs of a slate, then over slates and people"
NOVELTY = (
    "-log2 of the share of people who reacted to an item (at least one), mean over shown items and people, in bits"
)
NO_PAIRS = "no slate has two items with a category or tags"
ONE_PERSON = "one person's reactions say nothing about what is popular"
UNRATED = "no shown item was rated"
SERENDIPITY = "Share of rated items that are relevant and not among the most popular ones, mean over people"


def figures(exposures: pd.DataFrame, items: pd.DataFrame, *, relevant_from: float) -> dict[str, FigureValue]:
    """Coverage, gini, diversity, novelty and serendipity of the exposures."""
    if exposures.empty or items.empty:
        return nothing_shown()
    codes = pd.Index(items["item"]).get_indexer(exposures["item"])
    shown = np.bincount(codes, minlength=len(items)).astype(np.float64)
    popular, people = popularity(exposures, codes, len(items)), int(exposures["participant"].nunique())
    return {
        "coverage": counted(coverage(np.unique(codes), len(items)), people, COVERAGE),
        "gini": counted(gini(shown), people, GINI),
        "diversity": _diversity(exposures, codes, items),
        "novelty": _novelty(exposures, codes, popular),
        "serendipity": _serendipity(exposures, codes, popular, relevant_from),
    }


def nothing_shown() -> dict[str, FigureValue]:
    """The figures where there is nothing to make them of."""
    words = {"coverage": COVERAGE, "gini": GINI, "diversity": DIVERSITY}
    words |= {"novelty": NOVELTY, "serendipity": SERENDIPITY}
    return {name: missing("no slate was shown to anybody", definition, n=0) for name, definition in words.items()}


def popularity(exposures: pd.DataFrame, codes: Ints, n_items: int) -> Floats:
    """Number of people who rated, clicked or bought each item."""
    reacted = (exposures["rating"].notna() | exposures["clicked"] | exposures["purchased"]).to_numpy()
    pairs = pd.DataFrame({"item": codes[reacted], "person": exposures["participant"].to_numpy()[reacted]})
    return np.bincount(pairs.drop_duplicates()["item"], minlength=n_items).astype(np.float64)


def slate_diversity(exposures: pd.DataFrame, codes: Ints, items: pd.DataFrame) -> pd.DataFrame:
    """``participant`` and ``distance`` (0 to 1) of each slate with two or more items of which something is known.

    ``recux.stats.intra_list_diversity`` of every slate at once: the sum over pairs comes from the length of the sum
    of the slate's unit vectors, so that no pair is visited.
    """
    vectors = _directions(items)[codes]
    known = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel() > 0
    slate, _ = pd.factorize(exposures["slate"].to_numpy()[known])
    size = np.bincount(slate).astype(np.float64)
    place = np.arange(len(slate))
    belongs = sparse.csr_matrix((np.ones(len(slate)), (slate, place)), shape=(len(size), len(slate)))
    total = belongs @ vectors[known]
    squared = np.asarray(total.multiply(total).sum(axis=1)).ravel()
    pairs = size * (size - 1)
    alike = np.divide(squared - size, pairs, out=np.full(len(size), np.nan), where=pairs > 0)
    people = exposures["participant"].to_numpy()[known][~pd.Series(slate).duplicated().to_numpy()]
    found = pd.DataFrame({"participant": people, "distance": np.clip(1 - alike, 0, 1)})
    return found.dropna(ignore_index=True)


def _directions(items: pd.DataFrame) -> sparse.csr_matrix:
    """Category and tags of each item as a unit vector; zeros where neither is known."""
    described = [
        {*([("category", category)] if category else []), *(("tag", tag) for tag in tags or [])}
        for category, tags in zip(items["category"], items["tags"], strict=True)
    ]
    columns = {name: column for column, name in enumerate(sorted({name for one in described for name in one}))}
    cells = [(row, columns[name], len(one) ** -0.5) for row, one in enumerate(described) for name in one]
    rows, places, lengths = zip(*cells, strict=True) if cells else ((), (), ())
    return sparse.csr_matrix((lengths, (rows, places)), shape=(len(described), max(1, len(columns))), dtype=np.float64)


def _diversity(exposures: pd.DataFrame, codes: Ints, items: pd.DataFrame) -> FigureValue:
    of_slates = slate_diversity(exposures, codes, items)
    if of_slates.empty:
        return missing(NO_PAIRS, DIVERSITY, n=0)
    return figure(bounded_mean(person_means(of_slates, "distance"), low=0, high=1), DIVERSITY)


def _novelty(exposures: pd.DataFrame, codes: Ints, popular: Floats) -> FigureValue:
    people = int(exposures["participant"].nunique())
    bits = -np.log2(np.maximum(popular, 1) / people)  # an item that nobody reacted to is new, not infinitely new
    means = person_means(exposures[["participant"]].assign(bits=bits[codes]), "bits")
    if people < 2:
        return missing(ONE_PERSON, NOVELTY, n=people)
    return figure(bounded_mean(means, low=0, high=float(np.log2(people))), NOVELTY)


def _serendipity(exposures: pd.DataFrame, codes: Ints, popular: Floats, relevant_from: float) -> FigureValue:
    """Against what a popularity list as long as the slate would have shown (Ge, Delgado-Battenfeld, Jannach 2010)."""
    rated = exposures["rating"].notna().to_numpy()
    if not rated.any():
        return missing(UNRATED, SERENDIPITY, n=0)
    place = pd.Series(popular).rank(method="min", ascending=False).to_numpy()  # 1 = most popular
    length = exposures.groupby("slate")["item"].transform("size").to_numpy()
    surprising = (exposures["rating"].to_numpy() >= relevant_from) & (place[codes] > length)
    rows = exposures.loc[rated, ["participant"]].assign(surprising=surprising[rated].astype(np.float64))
    return figure(bounded_mean(person_means(rows, "surprising"), low=0, high=1), SERENDIPITY)


def counted(value: float, people: int, definition: str) -> FigureValue:
    """A complete count, which has no uncertainty."""
    return FigureValue(float(value), float(value), float(value), people, definition, COMPLETE)
