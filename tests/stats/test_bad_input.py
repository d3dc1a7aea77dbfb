"""Bad input raises StatisticsError; too little data gives None and a reason; no library ever warns."""

import math
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

from recux import stats


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


PEOPLE = range(8)
GOOD = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]


def latency(a: list[float], b: list[float]) -> stats.Difference:
    return stats.compare_latency(a, b, 0.5, clusters_a=range(len(a)), clusters_b=range(len(b)), seed=1)


TWO_ARMS: list[Callable[[list[float], list[float]], object]] = [
    stats.compare_means,
    stats.compare_ordinal,
    stats.compare_nps,
    latency,
]


@pytest.mark.parametrize(
    ("compare", "bad"),
    [
        (compare, bad)
        for compare in TWO_ARMS
        for bad in (math.nan, math.inf, -math.inf)
        if (compare, bad) != (stats.compare_nps, math.nan)  # an answer that was skipped
    ],
)
def test_numbers_that_are_not_finite_are_refused(compare: Callable[..., object], bad: float) -> None:
    with pytest.raises(stats.StatisticsError, match="finite"):
        compare([1.0, bad, 3.0], GOOD)


@pytest.mark.parametrize("compare", [*TWO_ARMS, stats.compare_paired])
@pytest.mark.parametrize("arm", [[], [4.0]])
def test_an_empty_arm_or_one_participant_is_not_estimable(compare: Callable[..., object], arm: list[float]) -> None:
    result = compare(arm, GOOD if compare is not stats.compare_paired else arm)
    value = result.superiority if isinstance(result, stats.Superiority) else result.difference
    assert (value, result.ci_low, result.ci_high, result.p) == (None, None, None, None)
    assert result.reason


@pytest.mark.parametrize("compare", [stats.compare_means, stats.compare_paired, stats.compare_ordinal, latency])
def test_constant_scores_are_not_estimable(compare: Callable[..., object]) -> None:
    result = compare([3.0] * 8, [3.0] * 8)
    assert result.p is None
    assert result.ci_low is None
    assert result.reason


@pytest.mark.parametrize(
    "call",
    [
        lambda: stats.nps([11]),
        lambda: stats.nps([6.5]),
        lambda: stats.nps([-1]),
        lambda: stats.nps(["9"]),
        lambda: stats.nps([9, 10], method="bayes"),
        lambda: stats.nps([9, 10], level=95),
        lambda: stats.csat([0]),
        lambda: stats.ces([8]),
        lambda: stats.sus([1] * 9),
        lambda: stats.sus([1] * 9 + [None]),
        lambda: stats.sus([1] * 9 + [math.nan]),
        lambda: stats.umux_lite([1, pd.NA]),
        lambda: stats.umux_lite([8, 1]),
        lambda: stats.latency_quantile([-1.0, 5.0], 0.5),
        lambda: stats.latency_quantile([1.0], 95),
        lambda: stats.proportion(3, 2),
        lambda: stats.proportion(-1, 2),
        lambda: stats.proportion(0.5, 2),
        lambda: stats.compare_proportions(1, 2, 3, 2),
        lambda: stats.srm([5]),
        lambda: stats.srm([5, -5]),
        lambda: stats.srm([5, 5], [1, 0]),
        lambda: stats.srm([5, 5], [1, 1, 1]),
        lambda: stats.holm([0.1, 1.2]),
        lambda: stats.benjamini_hochberg([math.nan]),
        lambda: stats.compare_paired([1, 2], [1]),
        lambda: stats.compare_means([1, 2], [1, 2], clusters_a=[1, 2]),
        lambda: stats.compare_means([1, 2], [1, 2], clusters_a=[1, 2], clusters_b=[1]),
        lambda: stats.compare_means([1, 2], [1, 2], clusters_a=[1, 2], clusters_b=["x", None]),
        lambda: stats.cluster_ratio([1], [-1], [1]),
        lambda: stats.minimum_detectable_effect(20, sd=0),
        lambda: stats.minimum_detectable_effect(20, sd=1, icc=1.5),
        lambda: stats.required_n(0, sd=1),
        lambda: stats.cronbach_alpha([1, 2, 3]),
        lambda: stats.cronbach_alpha([[1, math.inf], [1, 2]]),
        lambda: stats.cronbach_alpha([[1, 2]], missing="mean"),
        lambda: stats.precision([1, 0], 0),
        lambda: stats.precision([1, 0], 2, unrated="drop"),
        lambda: stats.ndcg([1], 1, ideal_gains=[-1, 1]),
        lambda: stats.auc([math.nan, 1], [0, 1]),
    ],
)
def test_a_broken_rule_raises_the_typed_error(call: Callable[[], object]) -> None:
    with pytest.raises(stats.StatisticsError):
        call()


@pytest.mark.parametrize(
    "result",
    [
        lambda: stats.nps([None, None]),
        lambda: stats.nps([]),
        lambda: stats.nps([9], method="wald"),
        lambda: stats.nps([9, 10, 9], method="wald"),
        lambda: stats.csat([None]),
        lambda: stats.ces([]),
        lambda: stats.proportion(0, 0),
        lambda: stats.latency_quantile([], 0.5),
        lambda: stats.latency_quantile([1.0] * 71, 0.95),
        lambda: stats.cronbach_alpha(np.full((5, 3), np.nan)),
        lambda: stats.cronbach_alpha(np.full((5, 3), 4.0)),
        lambda: stats.cronbach_alpha([[1], [2], [3]]),
        lambda: stats.mcdonald_omega(np.full((5, 3), np.nan)),
        lambda: stats.mcdonald_omega(np.full((9, 3), 2.0)),
        lambda: stats.mcdonald_omega([[1, 2, 3], [2, 4, 6], [3, 6, 9], [4, 8, 12], [7, 14, 21]]),
        lambda: stats.cluster_mean([1.0, 2.0], ["a", "a"]),
        lambda: stats.cluster_mean([], []),
        lambda: stats.cluster_mean([1.0, 1.0], ["a", "b"]),
        lambda: stats.cluster_ratio([1.0], [0.0], ["a"]),
        lambda: stats.cluster_bootstrap(lambda w: w.sum(axis=1) * np.nan, PEOPLE, seed=1),
        lambda: stats.cluster_bootstrap(lambda w: w.sum(axis=1), PEOPLE, seed=1),
        lambda: stats.cluster_bootstrap(lambda w: w[:, 0], range(3), seed=1),
    ],
)
def test_too_little_data_says_why(result: Callable[[], object]) -> None:
    figure = result()
    assert figure.value is None
    assert figure.reason


def test_nobody_assigned_is_no_sample_ratio_mismatch_and_no_match() -> None:
    assert (stats.srm([0, 0]).p, stats.srm([0, 0]).ok) == (None, None)


def test_results_do_not_change() -> None:
    with pytest.raises(AttributeError):
        stats.nps([9, 3]).value = 50
    with pytest.raises(AttributeError):
        stats.precision([1], 1).value = 0.5


def test_ten_million_values_are_no_problem() -> None:
    values = np.tile(np.arange(11.0), 1_000_000)
    assert stats.nps(values).n == 11_000_000


class NoData:
    """Something that is neither a number nor a list."""


@pytest.mark.parametrize("values", [None, 3, NoData(), [[1, 2], [3]], np.ones((2, 2)), ["a", "b"], {"a": 1, "b": 2}])
@pytest.mark.parametrize(
    "compute",
    [
        stats.nps,
        stats.csat,
        stats.ces,
        stats.holm,
        stats.srm,
        lambda values: stats.compare_means(values, GOOD),
        lambda values: stats.latency_quantile(values, 0.5),
        lambda values: stats.ranking.precision(values, 2),
        lambda values: stats.ranking.auc(values, [0, 1]),
        lambda values: stats.ranking.ndcg(values, 2, ideal_gains=[1, 1]),
    ],
)
def test_what_is_no_list_of_numbers_is_refused_with_its_name(compute: Callable[..., object], values: object) -> None:
    with pytest.raises(stats.StatisticsError):
        compute(values)


@pytest.mark.parametrize("value", [None, "3", [3], NoData(), {"a": 1}])
@pytest.mark.parametrize(
    "compute",
    [
        lambda value: stats.proportion(value, 9),
        lambda value: stats.minimum_detectable_effect(value, sd=1),
        lambda value: stats.required_n(value, sd=1),
        lambda value: stats.required_n(1, sd=value),
        lambda value: stats.latency_quantile([1.0, 2.0], value),
        lambda value: stats.ranking.precision([1, 0], value),
    ],
)
def test_what_is_no_number_is_refused(compute: Callable[..., object], value: object) -> None:
    with pytest.raises(stats.StatisticsError, match="must be one number"):
        compute(value)


def test_values_whose_squares_overflow_are_refused() -> None:
    with pytest.raises(stats.StatisticsError, match="overflow"):
        stats.compare_means([1e308, -1e308, 1e308], GOOD)


@pytest.mark.parametrize("clusters", [None, 3, NoData(), [[1], [2]], np.ones((2, 2)), [1, None], [1, 2, 3]])
def test_what_is_no_list_of_participants_is_refused(clusters: object) -> None:
    with pytest.raises(stats.StatisticsError, match="clusters_a"):
        stats.compare_means([1.0, 2.0], GOOD, clusters_a=clusters, clusters_b=PEOPLE)


ODD_VALUES = {
    "complex": [1 + 2j, 2.0],
    "bytes": b"\x03\x04\x05",
    "text of digits": "345",
    "an integer beyond double precision": [10**400, 1, 2],
    "long doubles": np.array([1, 2, 3], dtype=np.longdouble) * np.longdouble("1e4000"),
    "hidden values": np.ma.array([1.0, 2.0, 99.0], mask=[False, False, True]),
    "bytes among numbers": np.array([b"3", 1, 2], dtype=object),
    "durations": np.array([np.timedelta64(1, "s")] * 3, dtype=object),
    "a mapping": {9: 3, 10: 5},
    "a frame": pd.DataFrame({9: [1, 2, 3]}),
    "a missing pandas value": pd.array([1, None, 3], dtype="Int64"),
}


@pytest.mark.parametrize("kind", ODD_VALUES)
@pytest.mark.parametrize(
    "compute",
    [
        stats.nps,
        stats.sus,
        stats.holm,
        stats.srm,
        lambda values: stats.compare_means(GOOD, values),
        lambda values: stats.compare_latency(values, GOOD, 0.5, clusters_a=range(3), clusters_b=PEOPLE, seed=1),
        lambda values: stats.precision(values, 2),
        lambda values: stats.auc([1, 2, 3], values),
    ],
)
def test_values_that_would_be_read_as_other_numbers_are_refused(compute: Callable[..., object], kind: str) -> None:
    with pytest.raises(stats.StatisticsError):
        compute(ODD_VALUES[kind])


@pytest.mark.parametrize(
    "call",
    [
        lambda: stats.nps([True, False]),
        lambda: stats.nps(np.array([True, False])),
        lambda: stats.nps([9, 10], level=1 - 1e-16),
        lambda: stats.proportion(True, 2),
        lambda: stats.proportion(3, 10**400),
        lambda: stats.precision([1, 0], True),
        lambda: stats.ndcg([2000.0], 1, ideal_gains=[2000.0]),
        lambda: stats.ndcg([1], 1, ideal_gains=["a", 1]),
        lambda: stats.reverse_keyed([[1, 2]], [5], low=1, high=5),
        lambda: stats.reverse_keyed([[7, 2]], [0], low=1, high=5),
        lambda: stats.bounded_mean([1, 2], low=math.nan, high=5),
        lambda: stats.compare_crossover([1, 2], [2, 3], ["yes", "no"]),
        lambda: stats.compare_crossover([1, 2], [2, 3], [2, 0]),
        lambda: stats.compare_latency(GOOD, GOOD, 0.5, clusters_a=PEOPLE, clusters_b=PEOPLE, seed=-1),
        lambda: stats.cluster_bootstrap(lambda w: 1.0, PEOPLE, seed=1),
        lambda: stats.cluster_bootstrap(5, PEOPLE, seed=1),
        lambda: stats.cronbach_alpha([[1, 2], [2, 3], [3, 5]], skewness=math.nan),
        lambda: stats.mcdonald_omega([[1, 2, 3]] * 5, skewness=math.inf),
        lambda: stats.cluster_mean([1, 2], np.array(["1e4000", "2e4000"], dtype=np.longdouble)),
        lambda: stats.cluster_bootstrap(lambda w: w[:, 0], None, seed=1),
        lambda: stats.minimum_detectable_effect(20, sd=1, power=0.01),
        lambda: stats.required_n(1e-200, sd=1),
        lambda: stats.serendipity([1, 0], [True]),
        lambda: stats.novelty([1], [3], 9),
        lambda: stats.coverage([[1], [2]], 9),
        lambda: stats.confirm_factors([[1, 2, 3]], [[0, 1, 2]]),
        lambda: stats.cronbach_alpha(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})),
        lambda: stats.cronbach_alpha(pd.DataFrame({"a": ["3", "4"], "b": [1, 2]})),
        lambda: stats.intra_list_diversity([[1, 2], [3]]),
    ],
)
def test_a_rule_that_python_or_a_library_would_break_later_raises_the_typed_error(call: Callable[[], object]) -> None:
    with pytest.raises(stats.StatisticsError):
        call()


def test_true_and_false_of_any_library_are_relevance() -> None:
    relevant = np.array([True, False, True])
    assert stats.auc([0.9, 0.1, 0.8], relevant) == 1
    assert stats.precision(list(relevant), 3) == stats.precision(pd.Series(relevant), 3) == pytest.approx(2 / 3)


def test_generators_are_read_once() -> None:
    assert stats.sus(answer for answer in [3] * 10).value == 50
    assert stats.f1((x for x in [1, 0]), 2, n_relevant=1) == stats.f1([1, 0], 2, n_relevant=1)


@pytest.mark.parametrize("unit", [1e-140, 1e-30, 1e30])
def test_a_comparison_does_not_depend_on_the_unit_of_very_small_or_large_values(unit: float) -> None:
    plain, scaled = (stats.compare_means(np.array(GOOD) * u, np.array(GOOD[::2]) * u) for u in (1.0, unit))
    assert scaled.p == pytest.approx(plain.p)


def test_means_that_differ_by_rounding_alone_are_equal() -> None:
    ratings = np.array([0.1, 0.2, 0.3, 0.3, 0.2, 0.1])
    people = [1, 1, 1, 2, 2, 2]
    assert stats.compare_means(ratings, ratings + 1, clusters_a=people, clusters_b=people).p is None


def test_covariances_of_different_people_that_contradict_each_other_have_no_alpha() -> None:
    nan = math.nan
    rows = [[1, 1, nan], [5, 5, nan], [1, nan, 1], [5, nan, 5], [nan, 2, 3], [nan, 3, 2], [nan, 2, 3], [nan, 3, 3]]
    found = stats.cronbach_alpha([[*row] for row in rows * 2], missing="pairwise")
    assert found.value is None or found.value <= 1


@pytest.mark.parametrize("n", [3000, 1_000_000])
def test_many_people_are_resampled_in_groups(n: int) -> None:
    rng = np.random.default_rng(n)
    a = rng.normal(size=n)
    b = a + rng.normal(0.1, 1, size=n)
    paired = stats.compare_paired_permutation(a, b, seed=1, draws=400)
    assert paired.se == pytest.approx(stats.compare_paired(a, b).se, rel=0.15)
    assert paired.difference == pytest.approx(b.mean() - a.mean())
    drivers = stats.key_drivers(b, np.column_stack([a, rng.normal(size=n)]), ["a", "noise"], seed=1, draws=200)
    assert [driver.name for driver in drivers.drivers] == ["a", "noise"]
    assert drivers.r_squared == pytest.approx(0.5, abs=0.06)


def test_three_people_never_tell_two_arms_apart_however_alike_they_answer() -> None:
    found = stats.compare_ordinal([1, 0, 1], GOOD)
    apart = stats.compare_ordinal([0, 0, 0], GOOD)
    assert found.p == apart.p == pytest.approx(0.25)
    assert found.ci_low == pytest.approx(apart.ci_low)


@pytest.mark.parametrize("compare", [stats.compare_ordinal, stats.compare_means])
def test_a_few_people_beside_many_are_no_finding_where_most_give_the_top_answer(compare: Callable[..., object]) -> None:
    rng = np.random.default_rng(8)
    drawn = rng.choice(5, (500, 32), p=[0.02, 0.03, 0.05, 0.1, 0.8])
    found = [compare(row[:8], row[8:]).p for row in drawn]
    assert sum(p is not None and p < 0.05 for p in found) <= 50
