"""Comparison of means with the noise removed that a covariate from before the pilot explains."""

from collections.abc import Iterable
from math import sqrt

import numpy as np

from recux.stats.arrays import Floats, pair_of
from recux.stats.distributions import satterthwaite
from recux.stats.means import t_result, welch
from recux.stats.moments import all_equal
from recux.stats.results import Difference, no_difference

TINY = 1e-300  # squares of a covariate this small vanish
METHOD = "covariate-adjusted Welch's t test (CUPED)"


def compare_means_adjusted(
    a: Iterable[float],
    b: Iterable[float],
    covariate_a: Iterable[float],
    covariate_b: Iterable[float],
    *,
    level: float = 0.95,
) -> Difference:
    """Difference of means, b - a, adjusted for a covariate measured before anybody saw an arm; one value a person.

    CUPED (Deng, Xu, Kohavi and Walker 2013) as an analysis of covariance: the slope is pooled within arms, its own
    uncertainty and lost degree of freedom are counted. With correlation r the variance shrinks by about r squared. A
    covariate that does not vary changes nothing. Never adjust for what the arm may have changed. Raises
    StatisticsError for values that are not finite or lists of unequal length.
    """
    y_a, x_a = pair_of(a, covariate_a, "a", "covariate_a")
    y_b, x_b = pair_of(b, covariate_b, "b", "covariate_b")
    n_a, n_b = len(y_a), len(y_b)
    if min(n_a, n_b) < 3:
        return no_difference("an arm has fewer than three participants", n_a=n_a, n_b=n_b, method=METHOD)
    if all_equal(x_a) and all_equal(x_b):
        return welch(y_a, y_b, level=level, method="Welch's t test (the covariate does not vary)")
    centred, squares = _within(x_a, x_b), max(_squares(x_a) + _squares(x_b), TINY)
    slope = float(centred @ _within(y_a, y_b)) / squares
    rest_a, rest_b = _squares(y_a - slope * x_a), _squares(y_b - slope * x_b)
    # the slope costs one degree of freedom, half of it in each arm
    square_a, square_b = rest_a / (n_a - 1.5) / n_a, rest_b / (n_b - 1.5) / n_b
    if square_a + square_b <= 1e-24 * (_squares(y_a) + _squares(y_b) + 1e-300):
        return no_difference("nothing varies beside the covariate", n_a=n_a, n_b=n_b, method=METHOD)
    gap = float(x_b.mean() - x_a.mean())
    slope_variance = (rest_a + rest_b) / (n_a + n_b - 3) / squares
    df = satterthwaite((square_a, n_a - 1.5), (square_b, n_b - 1.5))
    difference = float(y_b.mean() - y_a.mean()) - slope * gap
    se = sqrt(square_a + square_b + gap**2 * slope_variance)
    return t_result(difference, se, df, (n_a, n_b), level=level, method=METHOD)


def _within(x: Floats, y: Floats) -> Floats:
    return np.concatenate([x - x.mean(), y - y.mean()])


def _squares(x: Floats) -> float:
    return float(((x - x.mean()) ** 2).sum())
