"""Every public function against bad input: a typed error or "not estimable" with a reason, never a warning."""

import inspect
import math
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from recux import stats

PEOPLE = list(range(8))
GOOD = [1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 2.0, 4.0]


def of_arms(function: Callable[..., object], **more: object) -> Callable[[list[float]], object]:
    return lambda x: function(x, GOOD, **more)


def middle(x: list[float]) -> float:
    return x[len(x) // 2] if x else 0.0


def clustered(function: Callable[..., object], **more: object) -> Callable[[list[float]], object]:
    return lambda x: function(x, GOOD, clusters_a=list(range(len(x))), clusters_b=PEOPLE, **more)


CALLS: dict[str, Callable[[list[float]], object]] = {
    "auc": lambda x: stats.auc(x, [n % 2 for n in range(len(x))]),
    "average_precision": lambda x: stats.average_precision(x, 5, n_relevant=3),
    "benjamini_hochberg": stats.benjamini_hochberg,
    "bounded_mean": lambda x: stats.bounded_mean(x, low=1, high=5),
    "ces": stats.ces,
    "cluster_bootstrap": lambda x: stats.cluster_bootstrap(lambda w: w @ np.asarray(x), range(len(x)), seed=1),
    "cluster_mean": lambda x: stats.cluster_mean(x, range(len(x))),
    "cluster_ratio": lambda x: stats.cluster_ratio(x, [5.0] * len(x), range(len(x))),
    "compare_crossover": lambda x: (
        stats.compare_crossover(x, GOOD[: len(x)], [n % 2 == 0 for n in range(len(x))]).effect
    ),
    "compare_latency": clustered(stats.compare_latency, q=0.5, seed=1),
    "compare_means": of_arms(stats.compare_means),
    "compare_means_adjusted": lambda x: stats.compare_means_adjusted(x, GOOD, [1.0, 2.0] * 4 if x else [], GOOD),
    "compare_mix": lambda x: stats.compare_mix([str(v) for v in x], ["a", "b"]),
    "compare_nps": of_arms(stats.compare_nps),
    "compare_ordinal": of_arms(stats.compare_ordinal),
    "compare_ordinal_clustered": clustered(stats.compare_ordinal_clustered),
    "compare_paired": lambda x: stats.compare_paired(x, GOOD[: len(x)]),
    "compare_paired_permutation": lambda x: stats.compare_paired_permutation(x, GOOD[: len(x)], seed=1),
    "compare_proportions": lambda x: stats.compare_proportions(*[*x[:2], 0, 0][:2], 3, 8),
    "compare_standardised": lambda x: stats.compare_standardised(x, GOOD, ["k"] * len(x), ["k"] * 8),
    "confirm_factors": lambda x: stats.confirm_factors(
        [[v, 2 * v, 1.0] for v in x] or np.empty((0, 3)), {"c": [0, 1, 2]}
    ),
    "coverage": lambda x: stats.coverage(x, 3),
    "cronbach_alpha": lambda x: stats.cronbach_alpha([[v, 5 - v, v] for v in x] or np.empty((0, 3))),
    "csat": stats.csat,
    "drift": lambda x: stats.drift(x, GOOD, clusters_before=range(len(x)), clusters_after=range(10, 18), seed=1),
    "f1": lambda x: stats.f1(x, 5, n_relevant=3),
    "further_n": lambda x: stats.further_n(middle(x), 20, 20, 0.2),
    "gini": stats.gini,
    "hit_rate": lambda x: stats.hit_rate(x, 5),
    "holm": stats.holm,
    "intra_list_diversity": lambda x: stats.intra_list_diversity([[v, 1.0] for v in x] or np.empty((0, 2))),
    "item_rest_correlations": lambda x: stats.item_rest_correlations([[v, 1.0, v] for v in x] or np.empty((0, 3)))[0],
    "key_drivers": lambda x: stats.key_drivers(x, [[v, 1.0] for v in x] or np.empty((0, 2)), ["a", "b"], seed=1),
    "latency_quantile": lambda x: stats.latency_quantile(x, 0.95),
    "mcdonald_omega": lambda x: stats.mcdonald_omega([[v, 2 * v, 1.0] for v in x] or np.empty((0, 3))),
    "minimum_detectable_effect": lambda x: stats.minimum_detectable_effect(20, sd=middle(x)),
    "monitor": of_arms(stats.monitor, planned_n=40),
    "mrr": lambda x: stats.mrr(x, 5),
    "ndcg": lambda x: stats.ndcg(x, 5, ideal_gains=x),
    "ndcg_lists": lambda x: stats.ndcg_lists([x or [np.nan]], [len(x)], 5, ideal_gains=[x or [np.nan]]),
    "novelty": lambda x: stats.novelty(x, {v: v for v in x}, 3),
    "nps": stats.nps,
    "precision": lambda x: stats.precision(x, 5),
    "proportion": lambda x: stats.proportion(*[*x[:2], 0, 0][:2]),
    "recall": lambda x: stats.recall(x, 5, n_relevant=3),
    "required_n": lambda x: stats.required_n(middle(x), sd=1.0),
    "reverse_keyed": lambda x: stats.reverse_keyed([[v, 1.0] for v in x] or np.empty((0, 2)), [0], low=1, high=5),
    "score_lists": lambda x: stats.score_lists([x or [np.nan]], [len(x)], 5, n_relevant=[9]),
    "serendipity": lambda x: stats.serendipity(x, [False] * len(x)),
    "simulated_power": lambda x: stats.simulated_power(
        lambda _rng, _n: np.array(x), lambda _rng, _n: np.array(GOOD), stats.compare_means, n_a=8, n_b=8, seed=1, runs=3
    ),
    "srm": lambda x: stats.srm(x or [0, 0]),
    "sus": stats.sus,
    "umux_lite": stats.umux_lite,
}
BAD = {
    "NaN": [1.0, math.nan, 3.0],
    "infinite": [1.0, math.inf, 3.0],
    "minus infinite": [1.0, -math.inf, 3.0],
    "negative": [-5.0, -1.0, -2.0],
    "beyond the scale": [11.0, 11.0, 11.0],
    "nobody": [],
    "one": [3.0],
    "all equal": [3.0] * 8,
}
MADE_UP = {"NaN", "infinite", "minus infinite"}
MISSING_IS_AN_ANSWER = {  # labels, answers that were skipped, or tables in which NaN is a question left out
    "ces", "compare_mix", "compare_nps", "confirm_factors", "coverage", "cronbach_alpha", "csat",
    "item_rest_correlations", "key_drivers", "mcdonald_omega", "ndcg_lists", "nps", "reverse_keyed", "score_lists",
}  # fmt: skip


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_every_public_function_is_tried() -> None:
    functions = {name for name in stats.__all__ if inspect.isfunction(getattr(stats, name))}
    assert functions == set(CALLS)


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("name", CALLS)
def test_bad_input_is_refused_or_not_estimable_and_never_warned_about(name: str, kind: str) -> None:
    try:
        result = CALLS[name](list(BAD[kind]))
    except stats.StatisticsError:
        return
    if kind in MADE_UP:
        assert name in MISSING_IS_AN_ANSWER or _silent(result), f"a number was made of a value that is {kind}"
    for field in ("value", "difference", "ci_low", "ci_high", "p"):
        number = getattr(result, field, None)
        assert number is None or math.isfinite(number), field


def _silent(result: object) -> bool:
    values = [getattr(result, field, None) for field in ("value", "difference", "superiority", "odds_ratio", "p")]
    return all(value is None for value in values) and bool(getattr(result, "reason", None))


def test_ten_million_durations_are_no_problem() -> None:
    assert stats.latency_quantile(np.tile(GOOD, 1_250_000), 0.99).n == 10_000_000
