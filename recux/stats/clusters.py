"""Figures whose unit is the participant although each has many values: mean, ratio, and a bootstrap for anything."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from recux.stats.arrays import Floats, Ints, cluster_codes, count, generator, listed, numbers, pair_of
from recux.stats.distributions import critical_t, critical_z, two_sided_z
from recux.stats.errors import StatisticsError
from recux.stats.means import cluster_means
from recux.stats.moments import Moments, moments, moments_of_sums
from recux.stats.one_mean import METHOD, mean_interval
from recux.stats.proportions import clopper_pearson
from recux.stats.results import Estimate, no_estimate

WEIGHTS_AT_ONCE = 20_000_000  # cells of a weight matrix held in memory together: 160 MB
MOST_GROUPS = 2000
FEW_WITH_EVENTS = 5  # participants; with fewer the variance between them says little


@dataclass(frozen=True, slots=True)
class RatioSums:
    """What the interval of a ratio of sums over participants needs; sums of several groups can be added up."""

    n: int
    """Participants with a denominator above 0."""
    top: float
    """Sum of the numerators."""
    bottom: float
    """Sum of the denominators."""
    top_squares: float
    """Sum of squared numerators."""
    bottom_squares: float
    """Sum of squared denominators."""
    products: float
    """Sum of numerator times denominator."""
    with_event: int
    """Participants with a numerator above 0."""
    lacking: int
    """Participants with a numerator below the denominator."""
    cubes: tuple[float, float, float, float]
    """Sums of the third powers and products: t^3, t^2 b, t b^2, b^3."""

    @property
    def ratio(self) -> float:
        """The ratio of the sums."""
        return self.top / self.bottom

    @property
    def variance(self) -> float:
        """Linearised variance of the ratio between participants."""
        ratio, mean = self.ratio, self.bottom / self.n
        squares = self.top_squares - 2 * ratio * self.products + ratio**2 * self.bottom_squares
        return max(0.0, squares) / mean / mean / (self.n * (self.n - 1))

    def linearised(self) -> Moments:
        """Moments of one value a participant whose mean is the ratio and whose spread is the ratio's."""
        if self.n == 0 or self.bottom == 0:
            return Moments(0, float("nan"), 0.0, 0.0)
        ratio, mean, (ttt, ttb, tbb, bbb) = self.ratio, self.bottom / self.n, self.cubes
        squares = self.top_squares - 2 * ratio * self.products + ratio**2 * self.bottom_squares
        cubes = ttt - 3 * ratio * ttb + 3 * ratio**2 * tbb - ratio**3 * bbb
        found = moments_of_sums(self.n, 0.0, max(0.0, squares) / mean**2, cubes / mean**3, centre=0.0, width=1.0)
        return replace(found, mean=ratio)


def cluster_mean(values: Iterable[float], clusters: Iterable[Any], level: float = 0.95) -> Estimate:
    """Mean of the participants' means, each participant counting once; n = participants, at least two.

    The interval is Student's t, corrected for skewness (see recux.stats.one_mean).
    """
    means = cluster_means(numbers(values, "values"), clusters)
    n = len(means)
    if n < 2:
        return no_estimate("no participants" if n == 0 else "only one participant", n=n, method=METHOD)
    found = moments(means)
    if found.variance == 0:
        return no_estimate("all participants have the same mean", n=n, method=METHOD)
    return Estimate(found.mean, *mean_interval(found, level), n, METHOD)


def cluster_ratio(
    numerators: Iterable[float], denominators: Iterable[float], clusters: Iterable[Any], level: float = 0.95
) -> Estimate:
    """Ratio of two sums over rows that belong to participants, such as clicks / impressions; n = participants.

    The variance between participants is linearised (Cochran 1977, ch. 6) with n - 1 degrees of freedom. Where every
    row has 0 <= numerator <= denominator the ratio is a proportion and the interval is Korn and Graubard's (1998):
    Clopper-Pearson with the effective number of rows, which stays right near 0 and 1; where fewer than five
    participants have an event (or lack one) that number is taken to be at most that of the participants. Raises
    StatisticsError for a negative denominator.
    """
    top, bottom = pair_of(numerators, denominators, "numerators", "denominators")
    if (bottom < 0).any():
        raise StatisticsError(f"denominators[{int((bottom < 0).argmax())}] is negative, must be at least 0")
    codes, _ = cluster_codes(clusters, len(top), "clusters")
    tops, bottoms = _sums(codes, top), _sums(codes, bottom)
    proper = bool(((top >= 0) & (top <= bottom)).all())
    return ratio_of_sums(ratio_sums(tops, bottoms), proper=proper, level=level)


def cluster_bootstrap(
    statistic: Callable[[Floats], Floats],
    clusters: Iterable[Any],
    *,
    seed: int,
    draws: int = 2000,
    level: float = 0.95,
) -> Estimate:
    """Interval of any statistic by resampling participants.

    `statistic` takes weights, shape (draws, rows), and returns one value a draw, shape (draws,); a row's weight is how
    often its participant was drawn. It is called once with a single row of ones for the estimate, so a metric with
    `sample_weight` fits as `lambda w: np.array([metric(y, s, sample_weight=row) for row in w])`. The interval is the
    expanded percentile interval (Hesterberg 2015, The American Statistician 69): percentiles moved outwards so that a
    mean gets the width of a t interval. Draws where the statistic is NaN are left out; more than 5 % of those, or
    fewer than 5 participants, make it not estimable.
    """
    if not callable(statistic):
        raise StatisticsError(f"statistic is a {type(statistic).__name__}, must be a function of weights")
    labels = listed(clusters, "clusters")
    codes, n = cluster_codes(labels, len(labels), "clusters")
    method, size = f"bootstrap of participants, {count(draws, 'draws', low=200)} draws", len(codes)
    if n < 5:
        return no_estimate(f"{n} participants, resampling needs at least 5", n=n, method=method)
    value = float(_of_draws(statistic, np.ones((1, size)))[0])
    if not np.isfinite(value):
        return no_estimate("the statistic is not defined on these rows", n=n, method=method)
    rng, chunk = generator(seed), max(1, WEIGHTS_AT_ONCE // max(size, n))
    sizes = [min(chunk, draws - start) for start in range(0, draws, chunk)]
    drawn = np.concatenate([_of_draws(statistic, multiplicities(n, some, rng)[:, codes]) for some in sizes])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < 0.95 * draws:
        return no_estimate("not defined in more than 5 % of the resamples", n=n, method=method)
    if np.ptp(drawn) == 0:
        return no_estimate("the same in every resample", n=n, method=method)
    low, high = np.quantile(drawn, expanded_percentiles(n, level))
    return Estimate(value, float(low), float(high), n, method)


def _of_draws(statistic: Callable[[Floats], Floats], weights: Floats) -> Floats:
    values = np.asarray(statistic(weights), dtype=np.float64)
    if values.shape != (len(weights),):
        raise StatisticsError(f"statistic gave shape {values.shape} for {len(weights)} draws, must be one value a draw")
    return values


def multiplicities(n: int, draws: int, rng: np.random.Generator) -> Floats:
    """How often each of `n` participants is drawn, shape (draws, n); every row sums to n."""
    picks = rng.integers(0, n, size=(draws, n)) + n * np.arange(draws)[:, None]
    return np.bincount(picks.ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)


def random_groups(n: int, rng: np.random.Generator) -> tuple[Ints, int]:
    """Group of each of `n` participants, and the number of groups: everybody alone, or 2,000 random groups if more.

    Resampling random groups of equal size shows the same spread (Wolter 2007, ch. 2) at a cost that stops growing.
    """
    return (np.arange(n), n) if n <= MOST_GROUPS else (rng.permutation(n) % MOST_GROUPS, MOST_GROUPS)


def expanded_percentiles(n: int, level: float) -> tuple[float, float]:
    """Percentiles (0 to 1) that give a bootstrap of `n` units the width of a t interval (Hesterberg 2015)."""
    tail = two_sided_z(sqrt(n / (n - 1)) * critical_t(level, n - 1)) / 2
    return tail, 1 - tail


def _sums(codes: Ints, values: Floats) -> Floats:
    return np.bincount(codes, weights=values).astype(np.float64)


def ratio_sums(tops: Floats, bottoms: Floats) -> RatioSums:
    """Sums over participants, one pair each; those without a denominator are left out."""
    top, bottom = tops[bottoms > 0], bottoms[bottoms > 0]
    squares = float(top @ top), float(bottom @ bottom), float(top @ bottom)
    events = int((top > 0).sum()), int((top < bottom).sum())
    cubes = float((top**3).sum()), float(top**2 @ bottom), float(top @ bottom**2), float((bottom**3).sum())
    return RatioSums(len(top), float(top.sum()), float(bottom.sum()), *squares, *events, cubes)


def ratio_of_sums(sums: RatioSums, *, proper: bool = True, level: float = 0.95) -> Estimate:
    """`cluster_ratio` from sums; `proper` says that no numerator is below 0 or above its denominator."""
    n = sums.n
    method = "Korn-Graubard interval over participants" if proper else "linearised t interval over participants"
    if n < 2:
        return no_estimate("no participants" if n == 0 else "only one participant", n=n, method=method)
    ratio, variance = sums.ratio, sums.variance
    quantile = critical_t(level, n - 1)
    if proper:
        shrink = (critical_z(level) / quantile) ** 2
        effective = _effective_rows(ratio, variance / shrink, sums.bottom)
        if min(sums.with_event, sums.lacking) < FEW_WITH_EVENTS:
            effective = min(effective, float(n))
        return Estimate(ratio, *clopper_pearson(ratio * effective, effective, level), n, method)
    if variance <= 1e-24 * max(1.0, ratio**2):
        return no_estimate("all participants have the same ratio", n=n, method=method)
    half = quantile * sqrt(variance)
    return Estimate(ratio, ratio - half, ratio + half, n, method)


def _effective_rows(ratio: float, variance: float, rows: float) -> float:
    """Rows of a simple random sample that would give the same variance."""
    return min(rows, max(1.0, ratio * (1 - ratio) / max(variance, 1e-24)))
