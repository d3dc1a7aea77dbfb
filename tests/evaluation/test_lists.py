"""The metrics of many lists at once are those of each list alone."""

import numpy as np
import pandas as pd
import pytest

from recux.evaluation.lists import METRICS, per_slate
from recux.stats import auc, average_precision, f1, hit_rate, mrr, ndcg, precision, recall
from tests.evaluation.world import exposures_frame

K = 5


def random_slates(seed, n=150):
    rng = np.random.default_rng(seed)
    choices = [None, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0]
    return [
        (int(rng.integers(1, 40)), [choices[i] for i in rng.integers(0, len(choices), rng.integers(1, 13))])
        for _ in range(n)
    ]


def one_by_one(ratings, scores):
    relevant = [None if r is None else float(r >= 4) for r in ratings]
    n = int(sum(r or 0 for r in relevant))
    known = [r for r in ratings if r is not None]
    found = {
        "precision": precision(relevant, K).value,
        "hit_rate": hit_rate(relevant, K).value,
        "mrr": mrr(relevant, K).value,
        "map": average_precision(relevant, K, n_relevant=n).value,
        "ndcg": ndcg(ratings, K, ideal_gains=known).value,
        "auc": auc(scores, relevant).value,
        "recall": recall(relevant, K, n_relevant=n).value,
        "f1": f1(relevant, K, n_relevant=n).value,
    }
    return found if len(known) > K else found | {"recall": None, "f1": None}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_metric_equals_the_list_by_list_one(seed):
    slates = [one for one in random_slates(seed) if any(r is not None for r in one[1])]
    rng = np.random.default_rng(seed)
    frame = exposures_frame(slates)
    frame["score"] = np.where(frame["slate"] % 2 == 0, rng.integers(0, 4, len(frame)), np.nan)  # ties, and none
    found = per_slate(frame, k=K, relevant_from=4.0)
    for number, (_, ratings) in enumerate(slates, start=1):
        rows = frame[frame["slate"] == number]
        scores = rows["score"] if number % 2 == 0 else -rows["position"]
        wanted = one_by_one(ratings, scores.tolist())
        for metric in METRICS:
            value = found.loc[number - 1, metric]
            assert (None if np.isnan(value) else value) == pytest.approx(wanted[metric]), (metric, ratings)


def test_a_slate_without_a_rating_has_no_row():
    found = per_slate(exposures_frame([(1, [None, None]), (2, [5, 1])]), k=K, relevant_from=4.0)
    assert found["participant"].tolist() == [2]


def test_another_slate_never_changes_the_metrics_of_one():
    alone = per_slate(exposures_frame([(1, [2, 5, None, 4, 1, 3, 5])]), k=K, relevant_from=4.0)
    among = per_slate(exposures_frame([(2, [5, 5]), (1, [2, 5, None, 4, 1, 3, 5]), (3, [1])]), k=K, relevant_from=4.0)
    pd.testing.assert_frame_equal(alone, among[among["participant"] == 1].reset_index(drop=True))
