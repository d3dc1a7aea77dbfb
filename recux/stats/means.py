"""Differences of means: Welch's t test on people or on the means of clusters, and the paired t test."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from recux.stats.arrays import Floats, cluster_codes, numbers, pair_of
from recux.stats.distributions import critical_t, two_sided_t
from recux.stats.errors import StatisticsError
from recux.stats.results import Difference, no_difference


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
    both arms or for none. Raises StatisticsError for values that are not finite and for a missing cluster.
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
    change, n, method = second - first, len(first), "paired t test"
    if n < 2:
        return no_difference(_few(n, "pair"), n_a=n, n_b=n, method=method)
    se = spread(change) / sqrt(n)
    if se == 0:
        return no_difference("every pair has the same difference", n_a=n, n_b=n, method=method)
    return t_result(float(change.mean()), se, n - 1, (n, n), level=level, method=method)


def cluster_means(values: Floats, clusters: Iterable[Any], name: str = "clusters") -> Floats:
    """Mean of each cluster's values, in order of first appearance or of sorted labels."""
    codes, n = cluster_codes(clusters, len(values), name)
    return np.bincount(codes, weights=values, minlength=n) / np.bincount(codes, minlength=n)


def welch(a: Floats, b: Floats, *, level: float, method: str) -> Difference:
    """Welch's t test of independent values."""
    n_a, n_b = len(a), len(b)
    if min(n_a, n_b) < 2:
        return no_difference(f"an arm has {_few(min(n_a, n_b), 'participant')}", n_a=n_a, n_b=n_b, method=method)
    square_a, square_b = spread(a) ** 2 / n_a, spread(b) ** 2 / n_b
    if square_a + square_b == 0:
        return no_difference("all values within each arm are equal", n_a=n_a, n_b=n_b, method=method)
    df = (square_a + square_b) ** 2 / (square_a**2 / (n_a - 1) + square_b**2 / (n_b - 1))
    return t_result(float(b.mean() - a.mean()), sqrt(square_a + square_b), df, (n_a, n_b), level=level, method=method)


def spread(values: Floats) -> float:
    """Standard deviation (n - 1); exactly 0 for equal values, where rounding would leave a trace of noise."""
    return 0.0 if np.ptp(values) == 0 else float(values.std(ddof=1))


def t_result(
    difference: float, se: float, df: float, sizes: tuple[int, int], *, level: float, method: str
) -> Difference:
    """Interval and two-sided p of a difference with this standard error on `df` degrees of freedom."""
    half = critical_t(level, df) * se
    p = two_sided_t(difference / se, df)
    return Difference(difference, difference - half, difference + half, p, *sizes, method, se)


def _few(n: int, noun: str) -> str:
    return f"no {noun}s" if n == 0 else f"only one {noun}"
