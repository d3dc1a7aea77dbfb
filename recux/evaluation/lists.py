"""Ranking metrics of every slate at once. Its rated items form its list, in shown order; unrated ones are skipped.

Only the first k places can matter, so that one very long slate does not make the tables of all wide.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.stats import ndcg_lists, score_lists

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METRICS = ("precision", "recall", "f1", "ndcg", "mrr", "map", "hit_rate", "auc")


def per_slate(exposures: pd.DataFrame, *, k: int, relevant_from: float) -> pd.DataFrame:
    """One row a slate with at least one rating: ``participant``, ``arm`` and the metrics, NaN where not defined.

    ``exposures`` are in order of slate and position. Recall and F1 are NaN where no more than ``k`` items of a slate
    were rated: the first k hold all that is relevant then, whatever their order.
    """
    every, _ = pd.factorize(exposures["slate"].to_numpy())
    known = exposures["rating"].notna().to_numpy()
    codes, slates = pd.factorize(every[known])
    rows = exposures[known]
    ratings = rows["rating"].to_numpy()
    relevant = (ratings >= relevant_from).astype(np.float64)
    rated, positive = np.bincount(codes), np.bincount(codes, weights=relevant).astype(np.float64)
    lengths = np.minimum(np.bincount(every)[slates], k)
    scores = score_lists(_places(codes, relevant, k), lengths, k, n_relevant=positive)
    gains, ideal = _places(codes, ratings, k), _places(codes, ratings[np.lexsort((-ratings, codes))], k)
    trivial = rated <= k
    found = {
        "precision": scores.precision,
        "recall": np.where(trivial, np.nan, scores.recall),
        "f1": np.where(trivial, np.nan, scores.f1),
        "ndcg": ndcg_lists(gains, lengths, k, ideal_gains=ideal),
        "mrr": scores.mrr,
        "map": scores.average_precision,
        "hit_rate": scores.hit_rate,
        "auc": _auc(codes, relevant, _scores(rows, codes)),
    }
    first = rows[["participant", "arm"]][~pd.Series(codes).duplicated().to_numpy()].reset_index(drop=True)
    return pd.concat([first, pd.DataFrame(found)], axis=1)


def _places(codes: Ints, values: Floats, k: int) -> Floats:
    """The first k values of each list, NaN behind its end, shape (lists, k); ``codes`` are in order."""
    starts = np.concatenate([[0], np.bincount(codes).cumsum()[:-1]])
    rank = np.arange(len(codes)) - starts[codes]
    places = np.full((len(starts), k), np.nan)
    top = rank < k
    places[codes[top], rank[top]] = values[top]
    return places


def _auc(codes: Ints, relevant: Floats, scores: Floats) -> Floats:
    """P(a relevant item scores above another one) of each list, ties counting half: the rank-sum form."""
    ranks = pd.Series(scores).groupby(codes).rank(method="average").to_numpy()
    positive = np.bincount(codes, weights=relevant)
    wins = np.bincount(codes, weights=ranks * relevant) - positive * (positive + 1) / 2
    pairs = positive * (np.bincount(codes) - positive)
    found = np.full(len(pairs), np.nan)
    np.divide(wins, pairs, out=found, where=pairs > 0)
    return found


def _scores(rows: pd.DataFrame, codes: Ints) -> Floats:
    """What the recommender thought of an item: its score where the whole list has scores, else its place."""
    score, place = rows["score"].to_numpy(dtype=np.float64), -rows["position"].to_numpy(dtype=np.float64)
    without = np.bincount(codes, weights=np.isnan(score))[codes] > 0
    return np.where(without, place, score)
