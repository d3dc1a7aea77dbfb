"""Metrics of one list, against ir-measures and the definitions."""

from math import isnan

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, MRR, P, R, Success, nDCG
from sklearn.metrics import roc_auc_score

from recux.stats import StatisticsError, ranking
from recux.stats.ranking_lists import ndcg_lists, score_lists

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


@pytest.mark.parametrize("unrated", ["skip", "zero"])
@pytest.mark.parametrize("k", [1, 4, 9])
def test_many_lists_at_once_equal_one_at_a_time(k: int, unrated: str) -> None:
    rng = np.random.default_rng(k)
    lengths = rng.integers(0, 8, 400)
    table = rng.choice([0.0, 1.0, np.nan], (400, 7))
    lists = [[None if np.isnan(r) else int(r) for r in row[:n]] for row, n in zip(table, lengths, strict=True)]
    known = np.array([sum(r == 1 for r in items) for items in lists]) + rng.integers(0, 2, 400)
    together = score_lists(table, lengths, k, n_relevant=known, unrated=unrated)
    for name in ("precision", "hit_rate", "mrr"):
        one = [getattr(ranking, name)(items, k, unrated=unrated) for items in lists]
        assert np.allclose(getattr(together, name), one, equal_nan=True)
    for name in ("recall", "f1", "average_precision"):
        one = [
            getattr(ranking, name)(items, k, n_relevant=int(n), unrated=unrated)
            for items, n in zip(lists, known, strict=True)
        ]
        assert np.allclose(getattr(together, name), one, equal_nan=True)


@pytest.mark.parametrize("gain", ["exponential", "linear"])
def test_ndcg_of_many_lists_equals_one_at_a_time(gain: str) -> None:
    rng = np.random.default_rng(5)
    grades = np.where(rng.random((300, 6)) < 0.2, np.nan, rng.integers(0, 5, (300, 6)))
    lengths = rng.integers(0, 7, 300)
    one = [
        ranking.ndcg(
            [None if np.isnan(g) else g for g in row[:n]], 3, ideal_gains=[g for g in row if not np.isnan(g)], gain=gain
        )
        for row, n in zip(grades, lengths, strict=True)
    ]
    assert np.allclose(ndcg_lists(grades, lengths, 3, ideal_gains=grades, gain=gain), one, equal_nan=True)


@pytest.mark.parametrize("ideal", [[], [0, 0, 0], [None]])
def test_a_list_that_beats_an_empty_ideal_is_refused_too(ideal: list[int | None]) -> None:
    with pytest.raises(StatisticsError, match="every known item"):
        ranking.ndcg([3, 2, 1], 2, ideal_gains=ideal)
    assert ranking.ndcg([0, None], 2, ideal_gains=ideal).reason == "no known item has a grade above 0"
