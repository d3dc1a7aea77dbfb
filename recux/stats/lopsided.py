"""How much wider intervals of reliability must be where answers crowd at one end of their scale."""

import numpy as np

from recux.stats.arrays import Floats
from recux.stats.moments import moments

OF_SCORES = 0.25
OF_ANSWERS = 0.1
WIDENED = ", widened for lopsided answers"


def widening(skewness: float, n: int) -> float:
    """Factor, 1 or more, for the half width of an interval that takes answers for normal.

    `skewness` is that of `n` people's scores. The factor, 1 + skewness^2 / 4 where the skewness exceeds its standard
    error among normal answers, was found by simulation: docs/statistics.md has the coverage.
    """
    return 1 + OF_SCORES * skewness**2 if skewness**2 > 6 / n else 1.0


def widening_of_pair(x: Floats, y: Floats, sign: float) -> float:
    """The same for a correlation of this sign: from the skewness of x + sign y in standard units, or of one alone."""
    together = moments(_standard(x) + sign * _standard(y)).skewness
    alone = max(abs(moments(one).skewness) for one in (x, y))
    return max(widening(together, len(x)), 1 + OF_ANSWERS * alone**2 if alone**2 > 6 / len(x) else 1.0)


def _standard(values: Floats) -> Floats:
    gaps = values - values.mean()
    gaps /= abs(gaps).max()  # squares of very small gaps would vanish
    return np.asarray(gaps / gaps.std())
