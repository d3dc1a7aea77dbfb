"""Quantiles of response times, and their difference between two arms."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, log, log1p
from typing import Any

import numpy as np
from scipy import stats

from recux.stats.arrays import Floats, Ints, cluster_codes, generator, numbers, share
from recux.stats.clusters import expanded_percentiles, multiplicities, random_groups
from recux.stats.results import Difference, Estimate, no_difference, no_estimate

THRESHOLDS = 1024  # candidate values of a resampled quantile; of more rows, evenly spaced order statistics
DRAWS = 2000
ORDER = "order-statistic interval"


def latency_quantile(ms: Iterable[float], q: float, *, level: float = 0.95) -> Estimate:
    """Quantile `q` of durations in milliseconds, with the order-statistic (binomial) interval, conservative by nature.

    Requests are taken as independent. Not estimable where no order statistic bounds the quantile at this level: a
    two-sided 95 % interval needs 72 requests for p95 and 368 for p99. Raises StatisticsError for negative durations.
    """
    durations = np.sort(numbers(ms, "ms", low=0))
    n, ranks = len(durations), quantile_ranks(len(durations), q, level)
    if isinstance(ranks, str):
        return no_estimate(ranks, n=n, method=ORDER)
    low, high = (float(durations[rank - 1]) for rank in ranks)
    return Estimate(float(np.quantile(durations, q)), low, high, n, ORDER)


def quantile_ranks(n: int, q: float, level: float) -> tuple[int, int] | str:
    """Ranks (1-based) of the order statistics that bound quantile `q` of `n` values, or why there are none.

    [X(low), X(high)] with P(B < low) <= tail and P(B >= high) <= tail, B ~ Binomial(n, q).
    """
    tail, q = (1 - share(level, "level")) / 2, share(q, "q")
    if n == 0:
        return "no requests"
    low, high = int(stats.binom.ppf(tail, n, q)), int(stats.binom.ppf(1 - tail, n, q)) + 1
    if low < 1 or high > n:
        requests = "1 request" if n == 1 else f"{n} requests"
        return f"{requests}, this quantile needs {ceil(log(tail) / log1p(-min(q, 1 - q)))}"
    return low, high


def latency_quantile_of_counts(
    durations: Floats, counts: Ints, q: float, *, error: float = 0.0, level: float = 0.95
) -> Estimate:
    """`latency_quantile` of ascending durations that occurred `counts` times each.

    `error` is the largest relative error of the durations, where they were rounded to be kept; the interval is widened
    by it on both sides, so that it still covers.
    """
    n, ends = int(counts.sum()), np.cumsum(counts)
    ranks = quantile_ranks(n, q, level)
    if isinstance(ranks, str):
        return no_estimate(ranks, n=n, method=ORDER)

    def at(rank: int) -> float:
        return float(durations[np.searchsorted(ends, rank, side="right")])

    place = q * (n - 1)
    below = int(place)
    value = at(below) + (place - below) * (at(min(below + 1, n - 1)) - at(below))
    low, high = at(ranks[0] - 1) * (1 - error), at(ranks[1] - 1) * (1 + error)
    method = ORDER if error == 0 else f"{ORDER}, durations kept to {error:.2%}"
    return Estimate(value, low, high, n, method)


def compare_latency(
    a: Iterable[float],
    b: Iterable[float],
    q: float,
    *,
    clusters_a: Iterable[Any],
    clusters_b: Iterable[Any],
    seed: int,
    level: float = 0.95,
) -> Difference:
    """Difference of quantile `q`, b - a, in milliseconds, by resampling participants (each request's cluster).

    Expanded percentile interval (Hesterberg 2015). Resampling requests instead covers only .79-.82 of the time, as
    those of one participant resemble each other. Not estimable where an arm has fewer than 5 participants or too few
    requests for its own quantile. No test: the interval decides. Raises StatisticsError for negative durations.
    """
    arm_a, arm_b = _arm(a, clusters_a, "a"), _arm(b, clusters_b, "b")
    n_a, n_b, method = arm_a.n, arm_b.n, f"bootstrap of participants, {DRAWS} draws"
    if min(n_a, n_b) < 5:
        return no_difference("an arm has fewer than 5 participants", n_a=n_a, n_b=n_b, method=method)
    for arm in (arm_a, arm_b):
        reason = latency_quantile(arm.durations, q, level=level).reason
        if reason is not None:
            return no_difference(f"an arm has {reason}", n_a=n_a, n_b=n_b, method=method)
    rng = generator(seed)
    # drawn in an order that does not depend on which arm is called a, so that swapping them only flips the sign
    drawn = {arm: resampled_quantile(arm, q, rng) for arm in sorted((arm_a, arm_b), key=_Arm.order)}
    change = drawn[arm_b] - drawn[arm_a]
    low, high = (float(x) for x in np.quantile(change, expanded_percentiles(min(n_a, n_b), level)))
    if low == high:
        return no_difference("the same in every resample", n_a=n_a, n_b=n_b, method=method)
    value = float(np.quantile(arm_b.durations, q) - np.quantile(arm_a.durations, q))
    return Difference(value, low, high, None, n_a, n_b, method, float(change.std(ddof=1)))


@dataclass(frozen=True, eq=False)
class _Arm:
    durations: Floats
    codes: Ints
    n: int

    def order(self) -> tuple[int, int, float]:
        return self.n, len(self.durations), float(np.sort(self.durations).sum())


def resampled_quantile(arm: _Arm, q: float, rng: np.random.Generator) -> Floats:
    """Quantile `q` in each of 2,000 resamples of the arm's participants, shape (draws,).

    A participant's requests up to each candidate threshold are counted once, shape (n, thresholds); a resample is
    then a product of the draws' multiplicities with that table. Beyond 2,000 participants random groups are drawn.
    """
    group, n = random_groups(arm.n, rng)
    codes = group[arm.codes]
    sizes = np.bincount(codes, minlength=n).astype(np.float64)
    # the standard deviation of the share below q where, at worst, a participant's requests are all alike
    deviation = float(np.sqrt(q * (1 - q) * (sizes**2).mean() / n) / sizes.mean())
    thresholds = _thresholds(np.sort(arm.durations), q, 6 * deviation)
    cells = codes * (len(thresholds) + 1) + np.searchsorted(thresholds, arm.durations)
    counts = np.bincount(cells, minlength=n * (len(thresholds) + 1)).reshape(n, -1)
    up_to, drawn = counts[:, :-1].cumsum(axis=1).astype(np.float64), []
    for start in range(0, DRAWS, step := max(1, 20_000_000 // max(n, len(thresholds)))):
        weights = multiplicities(n, min(step, DRAWS - start), rng)
        reached = weights @ up_to >= (q * (weights @ sizes) - 1e-9)[:, None]
        drawn.append(thresholds[np.where(reached.any(axis=1), reached.argmax(axis=1), -1)])
    return np.concatenate(drawn)


def _thresholds(ordered: Floats, q: float, reach: float) -> Floats:
    """Observed durations from quantile q - reach to q + reach."""
    last = len(ordered) - 1
    low, high = np.floor(max(0.0, q - reach) * last), np.ceil(min(1.0, q + reach) * last)
    ranks = np.linspace(low, high, min(int(high - low) + 1, THRESHOLDS)).astype(np.int64)
    return np.unique(ordered[ranks])


def _arm(durations: Iterable[float], clusters: Iterable[Any], name: str) -> _Arm:
    values = numbers(durations, name, low=0)
    codes, n = cluster_codes(clusters, len(values), f"clusters_{name}")
    return _Arm(values, _by_data(values, codes, n), n)


def _by_data(values: Floats, codes: Ints, n: int) -> Ints:
    """The codes in an order that the participants' durations decide, so that what they are called is no matter."""
    ordered = values[np.lexsort((values, codes))]
    parts = np.split(ordered, np.cumsum(np.bincount(codes, minlength=n))[:-1])
    data = [part.tobytes() for part in parts]
    rank = np.empty(n, dtype=np.int64)
    rank[sorted(range(n), key=data.__getitem__)] = np.arange(n)
    return rank[codes]
