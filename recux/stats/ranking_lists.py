"""The metrics of `recux.stats.ranking` for many lists at once, as arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recux.stats.arrays import LARGEST, Floats, Ints, choice, count, numbers, table_of
from recux.stats.errors import StatisticsError
from recux.stats.ranking import LARGEST_GRADE


@dataclass(frozen=True, slots=True)
class ListScores:
    """One value a list, shape (lists,), NaN where the metric is not defined."""

    precision: Floats
    """Share of relevant items among the first k."""
    recall: Floats
    """Relevant items among the first k over all known relevant ones."""
    f1: Floats
    """Harmonic mean of the two."""
    hit_rate: Floats
    """1 if any of the first k is relevant."""
    mrr: Floats
    """1 / rank of the first relevant item among the first k, else 0."""
    average_precision: Floats
    """Sum of precision at each relevant item among the first k over all known relevant ones."""


def score_lists(relevance: Any, lengths: Any, k: int, *, n_relevant: Any, unrated: str = "skip") -> ListScores:
    """Metrics at k of many lists; each equals its namesake in `recux.stats.ranking` for that list.

    `relevance` has shape (lists, places): 1, 0 or NaN (unrated), in shown order; places from `lengths[i]` on are
    padding. `n_relevant` and `lengths` have shape (lists,).
    """
    kept, size, places = _condensed(relevance, lengths, count(k, "k", low=1), unrated)
    top = np.nan_to_num(kept[:, :k])
    if not np.isin(top, (0, 1)).all():
        raise StatisticsError("relevance must be 1, 0 or NaN (unrated)")
    known = numbers(n_relevant, "n_relevant", low=0)
    found, ranks = top.cumsum(axis=1), np.arange(1, top.shape[1] + 1)
    hits = top.sum(axis=1)
    if known.shape != hits.shape or (hits > known).any():
        raise StatisticsError("n_relevant must hold one count a list, none below the relevant items in it")
    rated = size > 0
    precision = _divided(hits, np.where(rated, places, 0.0))
    recall = _divided(hits, known)
    first = np.where(hits > 0, 1 / (top.argmax(axis=1) + 1.0), 0.0)
    both = precision + recall
    f1 = np.where(both == 0, 0.0, _divided(2 * precision * recall, both))
    average = _divided((top * found / ranks).sum(axis=1), known)
    hit = np.where(rated, (hits > 0).astype(np.float64), np.nan)
    scores = precision, recall, f1, hit, np.where(rated, first, np.nan), average
    for values in scores:
        values.flags.writeable = False
    return ListScores(*scores)


def ndcg_lists(gains: Any, lengths: Any, k: int, *, ideal_gains: Any, gain: str = "exponential") -> Floats:
    """NDCG at k of many lists, unrated items skipped, shape (lists,), NaN where no known item has a grade above 0.

    `gains` has shape (lists, places) as in `score_lists`; `ideal_gains` (lists, known items), NaN = padding.
    """
    choice(gain, "gain", ("exponential", "linear"))
    kept, _, _ = _condensed(gains, lengths, count(k, "k", low=1), "skip")
    ideal = -np.sort(-table_of(ideal_gains, "ideal_gains"), axis=1)  # NaN stays last
    most = LARGEST_GRADE if gain == "exponential" else LARGEST
    if len(ideal) != len(kept) or any((x < 0).any() or (x > most).any() for x in (kept, ideal)):
        raise StatisticsError(f"gains and ideal_gains must have a row for each list and grades from 0 to {most:g}")
    best = _dcg(ideal[:, :k], gain)
    ratio = _divided(_dcg(kept[:, :k], gain), best)
    if (ratio > 1 + 1e-9).any():
        raise StatisticsError("gains rank above ideal_gains: ideal_gains must hold the grades of every known item")
    return np.minimum(ratio, 1.0)


def _condensed(values: Any, lengths: Any, k: int, unrated: str) -> tuple[Floats, Ints, Floats]:
    """Rated values moved to the front, how many there are, and the places that precision divides by."""
    table, given = table_of(values, "values"), numbers(lengths, "lengths", low=0)
    size = given.astype(np.int64)
    if size.shape != (len(table),) or (size != given).any() or (size > table.shape[1]).any():
        raise StatisticsError("lengths must hold one length a list, none beyond its places")
    inside = np.arange(table.shape[1]) < size[:, None]
    if choice(unrated, "unrated", ("skip", "zero")) == "zero":
        table = np.nan_to_num(table)
    table = np.where(inside, table, np.nan)
    order = np.isnan(table).argsort(axis=1, kind="stable")
    rated = (~np.isnan(table)).sum(axis=1)
    missing = np.maximum(0, np.minimum(k, size) - rated)
    return np.take_along_axis(table, order, axis=1), rated, (k - missing).astype(np.float64)


def _dcg(grades: Floats, gain: str) -> Floats:
    worth = np.exp2(grades) - 1 if gain == "exponential" else grades
    return np.asarray((np.nan_to_num(worth) / np.log2(np.arange(2, grades.shape[1] + 2))).sum(axis=1))


def _divided(top: Floats, bottom: Floats) -> Floats:
    return np.asarray(np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0))
