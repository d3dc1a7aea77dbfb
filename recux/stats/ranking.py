"""Ranking metrics of one list, in the order shown.

Relevance is 1, 0 or None (unrated). `unrated="skip"` takes unrated items out of the list before it is cut at k
(a condensed list: Sakai 2007, SIGIR) and out of the denominator; `unrated="zero"` counts them as not relevant.
"""

from collections.abc import Iterable, Sequence
from math import isnan, nan
from typing import Any

import numpy as np

from recux.stats.arrays import NUMBER, Floats, choice, count, listed, numbers
from recux.stats.errors import StatisticsError

LARGEST_GRADE = 100  # 2^grade must stay a number that can be added up


class ListScore(float):
    """A metric of one list: a float, NaN where the metric is not defined, which `value` and `reason` spell out."""

    __slots__ = ("_reason",)
    _reason: str | None

    def __new__(cls, value: float, reason: str | None = None) -> "ListScore":
        """A score, or NaN with the reason why there is none."""
        score = super().__new__(cls, value)
        score._reason = reason
        return score

    @property
    def value(self) -> float | None:
        """0 to 1; None when not defined."""
        return None if isnan(self) else float(self)

    @property
    def reason(self) -> str | None:
        """Why the metric is not defined; None when it is."""
        return self._reason


def precision(relevance: Iterable[float | None], k: int, *, unrated: str = "skip") -> ListScore:
    """Share of relevant items among the first k; a list shorter than k counts its missing places as not relevant."""
    top, places = _top(relevance, k, unrated)
    return ListScore(sum(top) / places) if places else _undefined()


def hit_rate(relevance: Iterable[float | None], k: int, *, unrated: str = "skip") -> ListScore:
    """1 if any of the first k items is relevant, else 0."""
    top, places = _top(relevance, k, unrated)
    return ListScore(float(any(top))) if places else _undefined()


def mrr(relevance: Iterable[float | None], k: int, *, unrated: str = "skip") -> ListScore:
    """1 / rank of the first relevant item among the first k, 0 if there is none."""
    top, places = _top(relevance, k, unrated)
    ranks = [rank for rank, relevant in enumerate(top, start=1) if relevant]
    return ListScore(1 / ranks[0] if ranks else 0.0) if places else _undefined()


def recall(relevance: Iterable[float | None], k: int, *, n_relevant: int, unrated: str = "skip") -> ListScore:
    """Relevant items among the first k over `n_relevant`, all known relevant ones, shown or not."""
    top, _ = _top(relevance, k, unrated)
    return _per_relevant(sum(top), sum(top), n_relevant)


def f1(relevance: Iterable[float | None], k: int, *, n_relevant: int, unrated: str = "skip") -> ListScore:
    """Harmonic mean of precision and recall at k; 0 when both are 0."""
    items = listed(relevance, "relevance")
    p, r = precision(items, k, unrated=unrated), recall(items, k, n_relevant=n_relevant, unrated=unrated)
    if isnan(p) or isnan(r):
        return p if isnan(p) else r
    return ListScore(2 * p * r / (p + r) if p + r > 0 else 0.0)


def average_precision(
    relevance: Iterable[float | None], k: int, *, n_relevant: int, unrated: str = "skip"
) -> ListScore:
    """Sum of precision at each relevant item among the first k, over `n_relevant`: never above 1."""
    top, _ = _top(relevance, k, unrated)
    ranks = [rank for rank, relevant in enumerate(top, start=1) if relevant]
    return _per_relevant(sum(found / rank for found, rank in enumerate(ranks, start=1)), len(ranks), n_relevant)


def ndcg(
    gains: Iterable[float | None],
    k: int,
    *,
    ideal_gains: Iterable[float | None],
    gain: str = "exponential",
    unrated: str = "skip",
) -> ListScore:
    """Normalised discounted cumulative gain at k (Jarvelin and Kekalainen 2002), discount 1 / log2(rank + 1).

    `gains` are grades of at least 0 in shown order, `ideal_gains` the grades of every known item, shown or not.
    A grade g counts 2^g - 1 (`gain="exponential"`; Burges et al. 2005) or g (`"linear"`). Not defined when no known
    item has a grade above 0. Raises StatisticsError where the list beats its ideal: `ideal_gains` is incomplete then.
    """
    choice(gain, "gain", ("exponential", "linear"))
    shown = _condensed(gains, "gains", unrated)
    known = [g for g in listed(ideal_gains, "ideal_gains") if g is not None]
    most = LARGEST_GRADE if gain == "exponential" else None
    best_first = np.sort(numbers(known, "ideal_gains", low=0, high=most))[::-1]
    best = _dcg(best_first[: count(k, "k", low=1)], gain)
    seen = _dcg(numbers(shown, "gains", low=0, high=most)[:k], gain)
    if seen > best * (1 + 1e-9):
        raise StatisticsError("gains rank above ideal_gains: ideal_gains must hold the grades of every known item")
    return ListScore(min(1.0, seen / best)) if best else ListScore(nan, "no known item has a grade above 0")


def auc(scores: Iterable[float], relevance: Iterable[float | None]) -> ListScore:
    """Probability that a random relevant item scores above a random other one, ties counting half; unrated left out."""
    scored, judged = listed(scores, "scores"), listed(relevance, "relevance")
    if len(scored) != len(judged):
        raise StatisticsError(f"scores has {len(scored)} values and relevance has {len(judged)}, must be equal")
    rated = [(score, relevant) for score, relevant in zip(scored, judged, strict=True) if relevant is not None]
    score = numbers([s for s, _ in rated], "scores")
    relevant = binary([r for _, r in rated])
    above, below = score[np.array(relevant, dtype=bool)], np.sort(score[~np.array(relevant, dtype=bool)])
    if len(above) == 0 or len(below) == 0:
        return ListScore(nan, "all rated items are alike")
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return ListScore(float(wins.sum()) / (2 * len(above) * len(below)))


def _top(relevance: Iterable[float | None], k: int, unrated: str) -> tuple[list[int], int]:
    """Relevance of the first k items and the number of places that precision divides by."""
    items = listed(relevance, "relevance")
    kept = binary(_condensed(items, "relevance", unrated))
    k = count(k, "k", low=1)
    unrated_places = max(0, min(k, len(items)) - len(kept))
    return kept[:k], k - unrated_places if kept else 0


def _condensed(items: Iterable[float | None], name: str, unrated: str) -> list[float]:
    if choice(unrated, "unrated", ("skip", "zero")) == "zero":
        return [0.0 if item is None else item for item in listed(items, name)]
    return [item for item in listed(items, name) if item is not None]


def binary(relevance: Sequence[Any]) -> list[int]:
    """Relevance of rated items as 1 or 0; true and false are fine."""
    for index, value in enumerate(relevance):
        if not isinstance(value, (*NUMBER, np.bool_)) or isinstance(value, np.timedelta64) or value not in (0, 1):
            raise StatisticsError(f"relevance[{index}] == {value!r}, must be 1, 0 or None (unrated)")
    return [int(value) for value in relevance]


def _per_relevant(total: float, found: int, n_relevant: int) -> ListScore:
    known = count(n_relevant, "n_relevant")
    if found > known:
        raise StatisticsError(f"n_relevant == {known}, but {found} relevant items are in the list")
    return ListScore(total / known) if known else ListScore(nan, "no known item is relevant")


def _dcg(grades: Floats, gain: str) -> float:
    worth = np.exp2(grades) - 1 if gain == "exponential" else grades
    return float((worth / np.log2(np.arange(2, len(worth) + 2))).sum())


def _undefined() -> ListScore:
    return ListScore(nan, "no rated item in the list")
