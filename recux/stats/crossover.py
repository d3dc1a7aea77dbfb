"""Comparison within people who saw both arms, half of them in the other order."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from recux.stats.arrays import Floats, pair_of
from recux.stats.errors import StatisticsError
from recux.stats.means import spread, t_result
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
    StatisticsError for unequal lengths.
    """
    first, second = pair_of(a, b, "a", "b")
    a_came_first = np.asarray(list(a_first), dtype=bool)
    if len(a_came_first) != len(first):
        raise StatisticsError(f"a_first has {len(a_came_first)} values for {len(first)} people")
    change = second - first
    ab, ba = change[a_came_first], change[~a_came_first]
    return Crossover(_half_sum(ab, ba, level), _half_sum(ab, -ba, level))


def _half_sum(x: Floats, y: Floats, level: float) -> Difference:
    n_x, n_y = len(x), len(y)
    if min(n_x, n_y) < 2:
        return no_difference("a sequence has fewer than two people", n_a=n_x, n_b=n_y, method=METHOD)
    square_x, square_y = spread(x) ** 2 / n_x, spread(y) ** 2 / n_y
    if square_x + square_y == 0:
        return no_difference("everybody has the same difference", n_a=n_x, n_b=n_y, method=METHOD)
    df = (square_x + square_y) ** 2 / (square_x**2 / (n_x - 1) + square_y**2 / (n_y - 1))
    middle, se = float(x.mean() + y.mean()) / 2, sqrt(square_x + square_y) / 2
    return t_result(middle, se, df, (n_x, n_y), level=level, method=METHOD)
