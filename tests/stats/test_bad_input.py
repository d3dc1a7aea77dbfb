"""Bad input raises StatisticsError; too little data gives None and a reason; no library ever warns."""

import math
import warnings
from collections.abc import Callable, Iterator

import numpy as np
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


@pytest.mark.parametrize("compare", TWO_ARMS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
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
        lambda: stats.nps([math.nan, 9]),
        lambda: stats.nps([9, 10], method="bayes"),
        lambda: stats.nps([9, 10], level=95),
        lambda: stats.csat([0]),
        lambda: stats.ces([8]),
        lambda: stats.sus([1] * 9),
        lambda: stats.sus([1] * 9 + [None]),
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
        lambda: stats.nps([9]),
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
