"""Differences of means: Welch's t test on people or on the means of clusters, and the paired t test."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from recux.stats.arrays import Floats, cluster_codes, numbers, pair_of
from recux.stats.distributions import critical_t, satterthwaite, two_sided_t
from recux.stats.errors import StatisticsError
from recux.stats.moments import Moments, moments
from recux.stats.results import Difference, no_difference

STEADIED = ", the smaller arm's variance drawn towards the pooled one"
VERY_SKEWED = 1.5


def compare_means(
    a: Iterable[float],
    b: Iterable[float],
    *,
    clusters_a: Iterable[Any] | None = None,
    clusters_b: Iterable[Any] | None = None,
    level: float = 0.95,
) -> Difference:
    """Difference of two means, b - a, by Welch's t test (1947), in the unit of the data.

    With clusters (the participant of each value) the test runs on the participants' means, each counting once,
    whatever the number of their values; pooling the values would find differences in noise. Clusters are given for
    both arms or for none. Very lopsided values in very unequal arms: see `welch_of`. Raises
    StatisticsError for values that are not finite and for a missing cluster.
    """
    values_a, values_b = numbers(a, "a"), numbers(b, "b")
    method = "Welch's t test"
    if clusters_a is not None and clusters_b is not None:
        values_a = cluster_means(values_a, clusters_a, "clusters_a")
        values_b = cluster_means(values_b, clusters_b, "clusters_b")
        method = "Welch's t test on participants' means"
    elif clusters_a is not None or clusters_b is not None:
        raise StatisticsError("clusters are given for one arm only: give clusters_a and clusters_b, or neither")
    return welch(values_a, values_b, level=level, method=method)


def compare_paired(a: Iterable[float], b: Iterable[float], *, level: float = 0.95) -> Difference:
    """Mean difference b - a of the same people measured twice, by the paired t test; a[i] and b[i] are one person.

    Raises StatisticsError for values that are not finite or lists of unequal length.
    """
    first, second = pair_of(a, b, "a", "b")
    return paired_of(moments(second - first), level=level)


def paired_of(change: Moments, *, level: float = 0.95) -> Difference:
    """`compare_paired` of differences of which only the moments are known."""
    n, method = change.n, "paired t test"
    if n < 2:
        return no_difference(_few(n, "pair"), n_a=n, n_b=n, method=method)
    if change.variance == 0:
        return no_difference("every pair has the same difference", n_a=n, n_b=n, method=method)
    return t_result(change.mean, sqrt(change.square), n - 1, (n, n), level=level, method=method)


def cluster_means(values: Floats, clusters: Iterable[Any], name: str = "clusters") -> Floats:
    """Mean of each cluster's values, in order of first appearance or of sorted labels."""
    codes, n = cluster_codes(clusters, len(values), name)
    return np.bincount(codes, weights=values, minlength=n) / np.bincount(codes, minlength=n)


def welch(a: Floats, b: Floats, *, level: float, method: str) -> Difference:
    """Welch's t test of independent values; see `welch_of`."""
    return welch_of(moments(a), moments(b), level=level, method=method)


def welch_of(a: Moments, b: Moments, *, level: float = 0.95, method: str = "Welch's t test") -> Difference:
    """Welch's t test of values of which only the moments are known.

    Where the arms are very unequal in size and the answers very lopsided, the smaller arm often shows far too little
    spread by chance, and Welch finds differences in noise (type I .08 at 20 against 60 people with 80 % top answers).
    There its variance is drawn towards the pooled one, less so the larger it is; the method's name says so.
    """
    if min(a.n, b.n) < 2:
        return no_difference(f"an arm has {_few(min(a.n, b.n), 'participant')}", n_a=a.n, n_b=b.n, method=method)
    square_a, square_b = a.square, b.square
    if square_a + square_b == 0:
        return no_difference("all values within each arm are equal", n_a=a.n, n_b=b.n, method=method)
    if lopsided(a, b):
        square_a, square_b = steadied(a, b)
        method += STEADIED
    df = satterthwaite((square_a, a.n - 1), (square_b, b.n - 1))
    return t_result(b.mean - a.mean, sqrt(square_a + square_b), df, (a.n, b.n), level=level, method=method)


def lopsided(a: Moments, b: Moments) -> bool:
    """Whether the arms are so unequal and so skewed that the smaller one's variance misleads."""
    small, large = sorted((a.n, b.n))
    return large >= 2 * small and _skewness(a, b) > VERY_SKEWED


def steadied(a: Moments, b: Moments) -> tuple[float, float]:
    """Squared standard errors, the smaller arm's from its variance drawn towards the pooled one.

    The error of a variance grows with the square of the skewness and falls with the number of values: so does the draw.
    """
    pooled = ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / (a.n + b.n - 2)
    weight = min(0.5, 2 * _skewness(a, b) ** 2 / min(a.n, b.n))
    if a.n < b.n:
        return (a.variance + weight * (pooled - a.variance)) / a.n, b.square
    return a.square, (b.variance + weight * (pooled - b.variance)) / b.n


def _skewness(a: Moments, b: Moments) -> float:
    return max(abs(a.skewness), abs(b.skewness))


def t_result(
    difference: float, se: float, df: float, sizes: tuple[int, int], *, level: float, method: str
) -> Difference:
    """Interval and two-sided p of a difference with this standard error on `df` degrees of freedom."""
    half = critical_t(level, df) * se
    p = two_sided_t(difference / se, df)
    return Difference(difference, difference - half, difference + half, p, *sizes, method, se)


def _few(n: int, noun: str) -> str:
    return f"no {noun}s" if n == 0 else f"only one {noun}"
