"""The effect of recommendations: what was clicked and bought, and how well the shown lists were ordered.

Ranking figures come from ratings of the slate that was shown: they measure the order within it and describe; they
never decide a comparison of arms.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.evaluation import catalogue
from recux.evaluation.figure import FigureValue, figure, missing
from recux.evaluation.lists import METRICS, per_slate
from recux.evaluation.satisfaction import person_means
from recux.stats import bounded_mean, cluster_ratio

Floats = NDArray[np.float64]

RELEVANT_FROM = 4.0
"""Rating from which an item counts as relevant."""
K_MAX = 5
RATES = {"ctr": ("clicked", "click"), "purchase_rate": ("purchased", "purchase")}
"""Shares of shown items by which arms are compared: more is better."""
MARKS = {"dismiss_rate": ("dismissed", "dismiss"), "known_rate": ("known", "know")}
"""Shares of shown items that only describe: "not for me" and "I know it already"."""
SAID = {"dismiss": '"not for me"', "know": '"I know it already"'}
WORDS = {
    "precision": "Share of relevant items among the first {k} rated ones of a slate",
    "recall": "Share of a slate's relevant items that are among the first {k} rated ones",
    "f1": "Harmonic mean of precision and recall at {k}",
    "ndcg": "NDCG at {k}, gain 2^rating - 1, discount log2(rank + 1), against the best order of the slate",
    "mrr": "1 / rank of the first relevant item among the first {k} rated ones, 0 without one",
    "map": "Average precision at {k}",
    "hit_rate": "Share of slates with a relevant item among the first {k} rated ones",
    "auc": "Probability that a relevant item of a slate scores above another one of it (ties half)",
}


def cut_off(exposures: pd.DataFrame, slate_size: int) -> int:
    """k: five, or the length of the longest slate where that is less."""
    longest = slate_size if exposures.empty else int(exposures.groupby("slate").size().max())
    return max(1, min(K_MAX, longest))


def figures(
    exposures: pd.DataFrame, items: pd.DataFrame, *, k: int, recorded: set[str], relevant_from: float = RELEVANT_FROM
) -> dict[str, FigureValue]:
    """All recommendation figures; ``recorded`` are the kinds of interaction that the study records at all."""
    rates = {name: _rate(exposures, column, kind, kind in recorded) for name, (column, kind) in (RATES | MARKS).items()}
    ranking = _ranking(exposures, k, relevant_from)
    return rates | ranking | catalogue.figures(exposures, items, relevant_from=relevant_from)


def _rate(exposures: pd.DataFrame, column: str, kind: str, recorded: bool) -> FigureValue:
    """Only where the study records this kind at all: otherwise none and not logged look the same."""
    definition = rate_words(kind, len(exposures))
    if exposures.empty:
        return missing("no slate was shown to anybody", definition, n=0)
    if not recorded:
        return missing(never_recorded(kind), definition)
    done, shown, people = per_person(exposures, column)
    return figure(cluster_ratio(done, shown, people), definition)


def per_person(exposures: pd.DataFrame, column: str) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """How often ``column`` holds for each person, how many items each was shown, and their ids."""
    codes, people = pd.factorize(exposures["participant"].to_numpy(), sort=True)
    done = np.bincount(codes, weights=exposures[column], minlength=len(people)).astype(np.float64)
    return done, np.bincount(codes, minlength=len(people)).astype(np.float64), np.asarray(people, dtype=np.int64)


def _ranking(exposures: pd.DataFrame, k: int, relevant_from: float) -> dict[str, FigureValue]:
    words = {name: ranking_words(name, k) for name in METRICS}
    if exposures.empty or not exposures["rating"].notna().any():
        return {name: missing("no item of a shown slate was rated", words[name], n=0) for name in METRICS}
    slates = per_slate(exposures, k=k, relevant_from=relevant_from)
    return {name: _mean(slates, name, words[name], k) for name in METRICS}


def _mean(slates: pd.DataFrame, name: str, definition: str, k: int) -> FigureValue:
    means = person_means(slates, name)
    if len(means) == 0:
        return missing(undefined(name, k), definition, n=0)
    return figure(bounded_mean(means, low=0, high=1), definition)


def rate_words(kind: str, shown: int) -> str:
    """What a click or purchase rate is."""
    what = f"were marked {SAID[kind]}" if kind in SAID else f"got a {kind}"
    return f"Share of shown items that {what}, all people's together ({shown:,} shown)"


def never_recorded(kind: str) -> str:
    """Why a rate is not estimable in a study that has no such interaction at all."""
    what = f"no item was ever marked {SAID[kind]}" if kind in SAID else f"no {kind} was ever recorded"
    return f"{what} in this study, so there may be no record of them"


def ranking_words(name: str, k: int) -> str:
    """What a ranking figure is."""
    return f"{WORDS[name].format(k=k)}; mean of people's means"


def undefined(name: str, k: int) -> str:
    """Why a ranking figure is not defined on any slate."""
    if name in {"recall", "f1"}:
        return f"no slate has more than {k} rated items and a relevant one: with k = slate length recall is always 1"
    return "no slate has both relevant and other items" if name == "auc" else "no slate has a relevant item"
