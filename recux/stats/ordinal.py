"""Comparison of two groups on an ordered scale, by the probability that one exceeds the other."""

from collections.abc import Iterable
from math import sqrt

import numpy as np
from scipy import stats

from recux.stats.arrays import Floats, numbers, share
from recux.stats.results import Superiority


def compare_ordinal(a: Iterable[float], b: Iterable[float], *, level: float = 0.95) -> Superiority:
    """Probability of superiority P(b > a) + P(b = a) / 2, one value a person, by Brunner and Munzel (2000).

    The interval and p use Brunner and Munzel's t approximation, which needs no equal shapes. Where every b lies above
    (or below) every a the variance is 0; then min(n_a, n_b) disjoint pairs all agree and the exact sign test on them
    gives interval and p, conservatively. Raises StatisticsError for values that are not finite.
    """
    values_a, values_b = numbers(a, "a"), numbers(b, "b")
    n_a, n_b, method = len(values_a), len(values_b), "Brunner-Munzel"
    if min(n_a, n_b) < 2:
        return Superiority(None, None, None, None, n_a, n_b, method, "an arm has fewer than two participants")
    placements_a, placements_b = placements(values_a, values_b), placements(values_b, values_a)
    value = float(placements_b.mean())
    square_a, square_b = placements_a.var(ddof=1) / n_a, placements_b.var(ddof=1) / n_b
    alpha = 1 - share(level, "level")
    if value in (0.0, 1.0):
        return _separated(value, n_a, n_b, alpha)
    if square_a + square_b == 0:
        return Superiority(None, None, None, None, n_a, n_b, method, "all values are equal")
    df = (square_a + square_b) ** 2 / (square_a**2 / (n_a - 1) + square_b**2 / (n_b - 1))
    se = sqrt(square_a + square_b)
    p = 2 * float(stats.t.sf(abs(value - 0.5) / se, df))
    half = float(stats.t.ppf(1 - alpha / 2, df)) * se
    return Superiority(value, max(0.0, value - half), min(1.0, value + half), p, n_a, n_b, method)


def placements(values: Floats, others: Floats) -> Floats:
    """For each value the share of `others` below it, ties counting half."""
    ordered = np.sort(others)
    below, not_above = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (below + not_above) / (2.0 * len(others))


def _separated(value: float, n_a: int, n_b: int, alpha: float) -> Superiority:
    pairs = min(n_a, n_b)
    bound = (alpha / 2) ** (1 / pairs)
    low, high = (bound, 1.0) if value == 1 else (0.0, 1 - bound)
    return Superiority(value, low, high, min(1.0, 2 * 0.5**pairs), n_a, n_b, "exact, complete separation")
