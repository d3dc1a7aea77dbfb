"""Metrics of one list, against ir-measures and the definitions."""

from math import isnan

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, MRR, P, R, Success, nDCG
from sklearn.metrics import roc_auc_score

from recux.stats import ranking

LISTS = 10_000
K = 5


def test_ten_thousand_random_lists_equal_ir_measures() -> None:
    rng = np.random.default_rng(11)
    lengths, qrels, run, mine = rng.integers(1, 16, LISTS), [], [], []
    for query, length in enumerate(lengths):
        grades = rng.integers(0, 4, length + 3)  # three known items were not shown
        qrels += [ir_measures.Qrel(str(query), str(i), int(g)) for i, g in enumerate(grades)]
        run += [ir_measures.ScoredDoc(str(query), str(i), float(length - i)) for i in range(length)]
        mine.append(all_metrics([int(g) for g in grades], int(length)))
    # one call for each set of grades: asked for both together, ir-measures mixes up the two nDCG
    worth = [ir_measures.Qrel(q.query_id, q.doc_id, 2**q.relevance - 1) for q in qrels]
    measures = [P @ K, R @ K, Success @ K, MRR @ K, AP @ K, nDCG @ K]
    theirs = [values_of(measure, qrels, run) for measure in measures] + [values_of(nDCG @ K, worth, run)]
    for column, (expected, measure) in enumerate(zip(theirs, [*measures, "exponential nDCG"], strict=True)):
        got = np.array([row[column] for row in mine])
        defined = ~np.isnan(got)
        assert defined.mean() > 0.9
        assert np.allclose(got[defined], expected[defined], atol=1e-6), measure


def values_of(measure: object, qrels: list[object], run: list[object]) -> np.ndarray:
    values = np.full(LISTS, np.nan)
    for row in ir_measures.iter_calc([measure], qrels, run):
        values[int(row.query_id)] = row.value
    return values


def all_metrics(grades: list[int], length: int) -> list[float]:
    relevance, relevant = [int(g > 0) for g in grades[:length]], sum(g > 0 for g in grades)
    return [
        ranking.precision(relevance, K),
        ranking.recall(relevance, K, n_relevant=relevant),
        ranking.hit_rate(relevance, K),
        ranking.mrr(relevance, K),
        ranking.average_precision(relevance, K, n_relevant=relevant),
        ranking.ndcg(grades[:length], K, ideal_gains=grades, gain="linear"),
        ranking.ndcg(grades[:length], K, ideal_gains=grades),
    ]


def test_unrated_items_are_skipped_or_count_as_not_relevant() -> None:
    shown = [1, None, 0, 1]
    assert ranking.precision(shown, 3) == pytest.approx(2 / 3)
    assert ranking.precision(shown, 3, unrated="zero") == pytest.approx(1 / 3)
    assert ranking.precision([1, None, 1], 3) == 1
    assert ranking.mrr([None, 1], 2) == 1
    assert ranking.mrr([None, 1], 2, unrated="zero") == 0.5


def test_a_list_without_ratings_has_no_precision_but_a_reason() -> None:
    score = ranking.precision([None, None], 2)
    assert isnan(score)
    assert score.value is None
    assert score.reason == "no rated item in the list"


def test_the_second_rank_is_discounted() -> None:
    assert ranking.ndcg([0, 1], 2, ideal_gains=[1, 0]) == pytest.approx(1 / np.log2(3))


def test_the_ideal_counts_items_that_were_not_shown() -> None:
    assert ranking.ndcg([1], 1, ideal_gains=[1, 3]) == pytest.approx(1 / 7)


def test_an_incomplete_ideal_is_refused() -> None:
    with pytest.raises(ranking.StatisticsError, match="ideal_gains"):
        ranking.ndcg([3, 3], 2, ideal_gains=[3])


def test_fewer_known_relevant_items_than_found_are_refused() -> None:
    with pytest.raises(ranking.StatisticsError, match="n_relevant"):
        ranking.recall([1, 1], 2, n_relevant=1)


def test_ratings_are_not_taken_for_relevance() -> None:
    with pytest.raises(ranking.StatisticsError, match=r"relevance\[1\] == 4"):
        ranking.precision([1, 4], 2)


def test_f1_is_the_harmonic_mean() -> None:
    assert ranking.f1([1, 0, 1], 3, n_relevant=4) == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert ranking.f1([0, 0], 2, n_relevant=1) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_counts_ties_half(rows: list[tuple[int, bool]]) -> None:
    scores, relevance = [float(s) for s, _ in rows], [int(r) for _, r in rows]
    mine = ranking.auc(scores, relevance)
    if len(set(relevance)) == 1:
        assert mine.value is None
    else:
        assert mine == pytest.approx(roc_auc_score(relevance, scores))


@given(st.lists(st.sampled_from([0, 1, None]), min_size=1, max_size=12), st.integers(1, 12))
def test_every_metric_stays_between_0_and_1(relevance: list[int | None], k: int) -> None:
    relevant = sum(r == 1 for r in relevance)
    for unrated in ("skip", "zero"):
        for score in (
            ranking.precision(relevance, k, unrated=unrated),
            ranking.recall(relevance, k, n_relevant=relevant, unrated=unrated),
            ranking.f1(relevance, k, n_relevant=relevant, unrated=unrated),
            ranking.average_precision(relevance, k, n_relevant=relevant, unrated=unrated),
        ):
            assert isnan(score) or 0 <= score <= 1
