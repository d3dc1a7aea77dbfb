"""What an interval of a mean needs of the values: few numbers that can be kept, added up and taken away again."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from recux.stats.arrays import Floats

ROUNDING = 1e-14
EQUAL = 1e-12
"""Variance, as a share of the squared range, below which sums say no more than that all values are equal."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Size, centre, spread and lopsidedness of independent values, one a participant."""

    n: int
    """Number of values."""
    mean: float
    """Their mean; NaN without any."""
    variance: float
    """Variance (n - 1); exactly 0 when all are equal, or there is one."""
    skewness: float
    """Adjusted coefficient of skewness; 0 below three values and for equal ones."""

    @property
    def square(self) -> float:
        """Squared standard error of the mean."""
        return self.variance / self.n

    @property
    def spread(self) -> float:
        """Standard deviation."""
        return sqrt(self.variance)


def moments(values: Floats) -> Moments:
    """Moments of an array of finite numbers."""
    n = len(values)
    if n == 0:
        return Moments(0, float("nan"), 0.0, 0.0)
    mean = float(values.mean())
    if all_equal(values):
        return Moments(n, mean, 0.0, 0.0)
    gaps = values - mean
    largest = float(np.abs(gaps).max())  # powers of small gaps would vanish
    gaps /= largest
    scaled = _of(n, mean, float(gaps @ gaps), float((gaps**3).sum()))
    return Moments(n, mean, scaled.variance * largest * largest, scaled.skewness)


def all_equal(values: Floats) -> bool:
    """Whether values are the same up to the rounding of sums and means, which must not pass for a spread."""
    return float(np.ptp(values)) <= ROUNDING * float(np.abs(values).max())


def moments_of_sums(n: int, first: float, second: float, third: float, *, centre: float, width: float) -> Moments:
    """Moments from the sums of (x - centre), its square and its cube; `width` is the range that values can have.

    Exact up to rounding when the centre lies inside the range; see `EQUAL`.
    """
    if n == 0:
        return Moments(0, float("nan"), 0.0, 0.0)
    shift = first / n
    squares = second - first * shift
    if n == 1 or squares / n <= EQUAL * width**2:
        return Moments(n, centre + shift, 0.0, 0.0)
    return _of(n, centre + shift, squares, third - 3 * shift * second + 2 * n * shift**3)


def _of(n: int, mean: float, squares: float, cubes: float) -> Moments:
    variance = squares / (n - 1)
    skewness = 0.0 if n < 3 else cubes * n / ((n - 1) * (n - 2)) / variance**1.5  # two values have none
    return Moments(n, mean, variance, skewness)
