"""How small an effect a pilot can detect, and how many people it needs."""

from dataclasses import dataclass
from math import ceil, sqrt

from scipy import special

from recux.stats.arrays import LARGEST, MOST, count, number, share
from recux.stats.distributions import critical_z
from recux.stats.errors import StatisticsError


@dataclass(frozen=True, slots=True)
class DetectableEffect:
    """The smallest difference between two arms that a pilot would probably detect."""

    value: float
    """Difference of means in the unit of `sd`."""


@dataclass(frozen=True, slots=True)
class FurtherN:
    """How many more people a comparison that cannot tell yet would need."""

    n_per_arm: int
    """Further participants in each arm; 0 when those who are there are enough."""
    low: int
    """The same if the spread is at the lower end of its own 95 % interval."""
    high: int
    """The same at the upper end: with few people the answer itself is uncertain."""


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
    _effect(effect)
    ratio = abs(_quantiles(alpha, power) * sd_of_mean(sd, icc, k) / number(effect, "effect"))
    if not ratio**2 <= MOST:
        raise StatisticsError(f"effect == {effect!r} is too small beside sd == {sd!r}: no pilot finds it")
    # the tolerance undoes rounding where n comes out whole
    return RequiredN(max(2, ceil(2 * ratio**2 * (1 - 1e-9))))


def further_n(se: float, n_a: int, n_b: int, effect: float, *, alpha: float = 0.05, power: float = 0.8) -> FurtherN:
    """Further participants an arm to find a true difference of `effect` with probability `power`, from what was seen.

    `se` is the observed standard error of a difference between `n_a` and `n_b` participants (both orders of a
    crossover count as arms); new people are taken to vary like those seen and to join both arms alike. `low` and
    `high` follow from the chi-square interval of the observed variance on n_a + n_b - 2 degrees of freedom. It is a
    plan, not a promise: if the true difference is smaller than `effect` even so many people will not tell, and adding
    people until something is significant finds differences in noise - look once, at the end, or use `monitor`. Raises
    StatisticsError unless `se` is above 0, `effect` is not 0 and each arm has two participants.
    """
    size_a, size_b = count(n_a, "n_a", low=2), count(n_b, "n_b", low=2)
    if not 0 < number(se, "se") <= LARGEST:
        raise StatisticsError(f"se == {se!r}, must be a finite number above 0")
    df, ratio = size_a + size_b - 2, _quantiles(alpha, power) * float(se) / abs(_effect(effect))
    ends = [df / float(special.chdtri(df, tail)) for tail in (0.025, 0.975)]
    if not ratio**2 * max(ends) <= MOST:
        raise StatisticsError(f"effect == {effect!r} is too small beside se == {se!r}: no pilot finds it")
    inverse = ratio**2 / (1 / size_a + 1 / size_b)
    return FurtherN(*(_missing_people(inverse * factor, size_a, size_b) for factor in (1.0, *ends)))


def _effect(effect: float) -> float:
    given = number(effect, "effect")
    if not 1 / LARGEST <= abs(given) <= LARGEST:
        raise StatisticsError(f"effect == {effect!r}, must be a finite number other than 0")
    return given


def _missing_people(inverse: float, n_a: int, n_b: int) -> int:
    """Smallest m with inverse (1 / (n_a + m) + 1 / (n_b + m)) <= 1."""
    # with s = n_a + n_b + 2 m and d = n_a - n_b: (s^2 - d^2) / 4 >= inverse s
    total = 2 * inverse + sqrt(4 * inverse**2 + (n_a - n_b) ** 2)
    return max(0, ceil((total - n_a - n_b) / 2 - 1e-9))


def sd_of_mean(sd: float, icc: float, k: int) -> float:
    """Standard deviation between participants of the mean of `k` values with intraclass correlation `icc`."""
    if not 0 < number(sd, "sd") <= LARGEST:
        raise StatisticsError(f"sd == {sd!r}, must be a finite number above 0")
    if not 0 <= number(icc, "icc") <= 1:
        raise StatisticsError(f"icc == {icc!r}, must be between 0 and 1")
    values = count(k, "k", low=1)
    return float(sd) * sqrt((1 + (values - 1) * float(icc)) / values)


def _quantiles(alpha: float, power: float) -> float:
    if share(power, "power") <= share(alpha, "alpha"):
        raise StatisticsError(f"power == {power!r}, must be above alpha == {alpha!r}, which chance alone reaches")
    return critical_z(1 - alpha) + float(special.ndtri(power))
