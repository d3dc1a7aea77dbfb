"""Ranking metrics of many lists at once: ``recux.stats.ranking`` with ``unrated="skip"``, for every slate in one pass.

A slate's rated items form its list, in shown order; a million ratings take about a second. Tests compare every
metric with the list-by-list functions.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METRICS = ("precision", "recall", "f1", "ndcg", "mrr", "map", "hit_rate", "auc")


def per_slate(exposures: pd.DataFrame, *, k: int, relevant_from: float) -> pd.DataFrame:
    """One row a slate with at least one rating: ``participant``, ``arm`` and the metrics, NaN where not defined.

    ``exposures`` are in order of slate and position. Recall and F1 are NaN where no more than ``k`` items of a slate
    were rated: the first k hold all that is relevant then, whatever their order.
    """
    codes, slates = pd.factorize(exposures["slate"].to_numpy())
    lengths = np.bincount(codes, minlength=len(slates))
    known = exposures["rating"].notna().to_numpy()
    rows = exposures[known]
    lists = _Lists(codes[known], len(slates), rows["rating"].to_numpy(), k, relevant_from)
    found = pd.DataFrame(lists.metrics(lengths))
    found["auc"] = lists.auc(_scores(rows))
    first = exposures.groupby("slate", sort=False)[["participant", "arm"]].first().reset_index(drop=True)
    return pd.concat([first, found], axis=1)[lists.kept > 0].reset_index(drop=True)


class _Lists:
    """The rated items of all slates, end to end."""

    def __init__(self, slate: Ints, n: int, ratings: Floats, k: int, relevant_from: float) -> None:
        self.slate, self.n, self.ratings, self.k = slate, n, ratings, k
        self.kept = np.bincount(slate, minlength=n)
        self.starts = np.concatenate([[0], self.kept.cumsum()[:-1]]).astype(np.int64)
        self.rank = np.arange(len(slate)) - self.starts[slate] + 1
        self.relevant = (ratings >= relevant_from).astype(np.float64)
        self.top = (self.rank <= k).astype(np.float64)

    def total(self, values: Floats) -> Floats:
        """Sum over each slate's list."""
        return np.bincount(self.slate, weights=values, minlength=self.n).astype(np.float64)

    def metrics(self, lengths: Ints) -> dict[str, Floats]:
        """All metrics but the AUC; ``lengths`` are the slates' lengths, unrated items included."""
        hits, known = self.total(self.relevant * self.top), self.total(self.relevant)
        places = self.k - np.maximum(0, np.minimum(self.k, lengths) - self.kept)
        precision = _ratio(hits, places)
        recall = np.where(self.kept > self.k, _ratio(hits, known), np.nan)
        return {
            "precision": precision,
            "recall": recall,
            "f1": np.where(precision + recall == 0, 0.0, _ratio(2 * precision * recall, precision + recall)),
            "ndcg": self._ndcg(),
            "mrr": self._mrr(),
            "map": _ratio(self.total(self._precision_here() * self.relevant * self.top), known),
            "hit_rate": (hits > 0).astype(np.float64),
        }

    def auc(self, scores: Floats) -> Floats:
        """P(a relevant item scores above another one) of each slate, ties counting half."""
        ranks = pd.Series(scores).groupby(self.slate).rank(method="average").to_numpy()
        positive = self.total(self.relevant)
        wins = self.total(ranks * self.relevant) - positive * (positive + 1) / 2
        return _ratio(wins, positive * (self.kept - positive))

    def _precision_here(self) -> Floats:
        running = self.relevant.cumsum()
        before = np.concatenate([[0.0], running])[self.starts[self.slate]]
        return np.asarray((running - before) / self.rank, dtype=np.float64)

    def _mrr(self) -> Floats:
        """1 / rank of the first relevant item: the only one whose running count of relevant items is 1."""
        first = self.relevant * self.top * (self._precision_here() * self.rank == 1)
        return self.total(first / self.rank)

    def _ndcg(self) -> Floats:
        gain, discount = np.exp2(self.ratings) - 1, self.top / np.log2(self.rank + 1)
        best = np.lexsort((-self.ratings, self.slate))  # every slate's items from best to worst, in its own places
        ideal = self.total(gain[best] * discount)
        return _ratio(self.total(gain * discount), ideal)


def _scores(rows: pd.DataFrame) -> Floats:
    """What the recommender thought of an item: its score where the whole slate has scores, else its place."""
    score, place = rows["score"].to_numpy(dtype=np.float64), -rows["position"].to_numpy(dtype=np.float64)
    codes, slates = pd.factorize(rows["slate"].to_numpy())
    without = np.bincount(codes, weights=np.isnan(score), minlength=len(slates))[codes] > 0
    return np.where(without, place, score)


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
