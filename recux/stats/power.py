"""How small an effect a pilot can detect, and how many people it needs."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from scipy import special

from recux.stats.arrays import count, share
from recux.stats.distributions import critical_z
from recux.stats.errors import StatisticsError


@dataclass(frozen=True, slots=True)
class DetectableEffect:
    """The smallest difference between two arms that a pilot would probably detect."""

    value: float
    """Difference of means in the unit of `sd`."""


@dataclass(frozen=True, slots=True)
class RequiredN:
    """The number of people that a pilot needs."""

    n_per_arm: int
    """Participants in each of two equal arms."""


def minimum_detectable_effect(
    n_per_arm: int, *, sd: float, icc: float = 0.0, k: int = 1, alpha: float = 0.05, power: float = 0.8
) -> DetectableEffect:
    """Smallest difference of two arm means found with probability `power` by a two-sided test at `alpha`.

    `sd` is that of single values, `k` values a participant, `icc` their correlation within a participant (0 to 1);
    (z_alpha/2 + z_power) sd sqrt(2 (1 + (k - 1) icc) / (k n)) (Donner and Klar 2000). Normal quantiles: with fewer
    than 20 people an arm the truth is some 3 % larger.
    """
    n = count(n_per_arm, "n_per_arm", low=2)
    return DetectableEffect(_quantiles(alpha, power) * sd_of_mean(sd, icc, k) * sqrt(2 / n))


def required_n(
    effect: float, *, sd: float, icc: float = 0.0, k: int = 1, alpha: float = 0.05, power: float = 0.8
) -> RequiredN:
    """Participants an arm to find a difference of `effect` (unit of `sd`, not 0); see minimum_detectable_effect."""
    if not np.isfinite(effect) or effect == 0:
        raise StatisticsError(f"effect == {effect!r}, must be a finite number other than 0")
    n = 2 * (_quantiles(alpha, power) * sd_of_mean(sd, icc, k) / effect) ** 2
    # the tolerance undoes rounding where n comes out whole
    return RequiredN(max(2, ceil(n - 1e-9 * n)))


def sd_of_mean(sd: float, icc: float, k: int) -> float:
    """Standard deviation between participants of the mean of `k` values with intraclass correlation `icc`."""
    if not np.isfinite(sd) or sd <= 0:
        raise StatisticsError(f"sd == {sd!r}, must be a finite number above 0")
    if not 0 <= icc <= 1:
        raise StatisticsError(f"icc == {icc!r}, must be between 0 and 1")
    values = count(k, "k", low=1)
    return sd * sqrt((1 + (values - 1) * icc) / values)


def _quantiles(alpha: float, power: float) -> float:
    return critical_z(1 - share(alpha, "alpha")) + float(special.ndtri(share(power, "power")))
