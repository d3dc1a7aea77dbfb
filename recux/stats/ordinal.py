"""Comparison of two groups on an ordered scale, by the probability that one exceeds the other."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import numpy as np

from recux.stats.arrays import Floats, Ints, cluster_codes, numbers, share
from recux.stats.distributions import critical_t, satterthwaite, two_sided_t
from recux.stats.errors import StatisticsError
from recux.stats.means import STEADIED, lopsided, steadied
from recux.stats.moments import moments
from recux.stats.results import Superiority

TRACE = 1e-12  # what rounding leaves of a probability


def compare_ordinal(
    a: Iterable[float],
    b: Iterable[float],
    *,
    clusters_a: Iterable[Any] | None = None,
    clusters_b: Iterable[Any] | None = None,
    level: float = 0.95,
) -> Superiority:
    """Probability of superiority P(b > a) + P(b = a) / 2 by Brunner and Munzel (2000), for one value a person.

    The interval and p use Brunner and Munzel's t approximation, which needs no equal shapes. With clusters (the
    participant of each value) it is the probability for random values of random people, each person counting once
    (Cui, Konietschke and Harrar 2021, unweighted), and n counts people. Very lopsided answers in very unequal arms are
    treated as in `compare_means`. Where every b lies above (or below) every a the variance is 0; then min(n_a, n_b)
    disjoint pairs all agree and the exact sign test on them gives interval and p, conservatively. Nothing claims more
    than that: where a few people nearly all agree, the variance is next to 0 by chance. Raises StatisticsError for
    values that are not finite and clusters given for one arm only.
    """
    values_a, values_b = numbers(a, "a"), numbers(b, "b")
    if (clusters_a is None) != (clusters_b is None):
        raise StatisticsError("clusters are given for one arm only: give clusters_a and clusters_b, or neither")
    people_a, n_a = _people(values_a, clusters_a, "clusters_a")
    people_b, n_b = _people(values_b, clusters_b, "clusters_b")
    method, alpha = "Brunner-Munzel", 1 - share(level, "level")
    if min(n_a, n_b) < 2:
        return Superiority(None, None, None, None, n_a, n_b, method, "an arm has fewer than two participants")
    weights_a, weights_b = (1 / np.bincount(people)[people] for people in (people_a, people_b))
    placed_a = moments(_means(people_a, weights_a * placements(values_a, values_b, weights_b)))
    placed_b = moments(_means(people_b, weights_b * placements(values_b, values_a, weights_a)))
    value = placed_b.mean
    # where all disjoint pairs point the same way, superiority is at least this at the given level, and p this
    bound, least = (alpha / 2) ** (1 / min(n_a, n_b)), min(1.0, 2 * 0.5 ** min(n_a, n_b))
    if min(value, 1 - value) < TRACE:
        low, high = (bound, 1.0) if value > 0.5 else (0.0, 1 - bound)
        return Superiority(float(value > 0.5), low, high, least, n_a, n_b, "exact, complete separation")
    square_a, square_b = placed_a.square, placed_b.square
    if lopsided(placed_a, placed_b):
        square_a, square_b = steadied(placed_a, placed_b)
        method += STEADIED
    if square_a + square_b == 0:
        return Superiority(None, None, None, None, n_a, n_b, method, "all values are equal")
    se, df = sqrt(square_a + square_b), satterthwaite((square_a, n_a - 1), (square_b, n_b - 1))
    p, half = two_sided_t((value - 0.5) / se, df), critical_t(level, df) * se
    start, end = value - half, value + half
    if value > 0.5 - TRACE:  # where the arms are level, either may be ahead
        start = min(bound, start)
    if value < 0.5 + TRACE:
        end = max(1 - bound, end)
    return Superiority(value, max(0.0, start), min(1.0, end), max(p, least), n_a, n_b, method)


def placements(values: Floats, others: Floats, weights: Floats) -> Floats:
    """For each value the weighted share of `others` below it, ties counting half."""
    order = np.argsort(others, kind="stable")
    ordered, up_to = others[order], np.concatenate([[0.0], np.cumsum(weights[order])])
    below, not_above = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return np.asarray((up_to[below] + up_to[not_above]) / (2.0 * up_to[-1]))


def _people(values: Floats, clusters: Iterable[Any] | None, name: str) -> tuple[Ints, int]:
    return (np.arange(len(values)), len(values)) if clusters is None else cluster_codes(clusters, len(values), name)


def _means(people: Ints, weighted: Floats) -> Floats:
    return np.bincount(people, weighted).astype(np.float64)
