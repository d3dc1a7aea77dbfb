"""Comparison within people who saw both arms, half of them in the other order."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import sqrt

from recux.stats.arrays import flags, pair_of
from recux.stats.distributions import satterthwaite
from recux.stats.errors import StatisticsError
from recux.stats.means import t_result
from recux.stats.moments import Moments, moments
from recux.stats.results import Difference, no_difference

METHOD = "two-period crossover, Welch's t test on differences by sequence"


@dataclass(frozen=True, slots=True)
class Crossover:
    """Effects of a two-period crossover."""

    effect: Difference
    """b - a, freed from the effect of the period; n_a and n_b are the people who saw a, or b, first."""
    period: Difference
    """Second period minus first, freed from the effect of the arm: learning, or fatigue."""


def compare_crossover(
    a: Iterable[float], b: Iterable[float], a_first: Iterable[bool], *, level: float = 0.95
) -> Crossover:
    """Difference b - a of the same people in both arms (Jones and Kenward 2014, ch. 2).

    a[i] and b[i] belong to one person, a_first[i] says which arm came first. The effect is the mean of the two
    sequences' mean differences, so that a change over time, equal in both, cancels out. A carry-over from the first
    arm into the second is not told apart: leave a break between the periods. Raises
    StatisticsError for unequal lengths and an order that is not true or false.
    """
    first, second = pair_of(a, b, "a", "b")
    a_came_first = flags(a_first, "a_first")
    if len(a_came_first) != len(first):
        raise StatisticsError(f"a_first has {len(a_came_first)} values for {len(first)} people")
    change = second - first
    return crossover_of(moments(change[a_came_first]), moments(change[~a_came_first]), level=level)


def crossover_of(a_first: Moments, b_first: Moments, *, level: float = 0.95) -> Crossover:
    """`compare_crossover` of differences b - a by order, of which only the moments are known."""
    turned = replace(b_first, mean=-b_first.mean, skewness=-b_first.skewness)
    return Crossover(_half_sum(a_first, b_first, level), _half_sum(a_first, turned, level))


def _half_sum(x: Moments, y: Moments, level: float) -> Difference:
    if min(x.n, y.n) < 2:
        return no_difference("a sequence has fewer than two people", n_a=x.n, n_b=y.n, method=METHOD)
    total = x.square + y.square
    if total == 0:
        return no_difference("everybody has the same difference", n_a=x.n, n_b=y.n, method=METHOD)
    df = satterthwaite((x.square, x.n - 1), (y.square, y.n - 1))
    return t_result((x.mean + y.mean) / 2, sqrt(total) / 2, df, (x.n, y.n), level=level, method=METHOD)
