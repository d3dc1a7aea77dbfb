"""Looking at a running pilot as often as one likes without announcing noise."""

from collections.abc import Iterable
from math import e, exp, log, sqrt

from scipy.special import lambertw

from recux.stats.arrays import count, numbers, share
from recux.stats.moments import moments
from recux.stats.results import Difference, no_difference

METHOD = "anytime-valid interval (normal mixture)"
FEWEST = 30  # participants an arm; the normal approximation behind the bound needs them


def monitor(a: Iterable[float], b: Iterable[float], *, planned_n: int, level: float = 0.95) -> Difference:
    """Difference of means, b - a, that may be looked at after every participant; one value a person.

    All intervals of one pilot hold the truth together with probability `level`, and p may be acted on at any look
    (Robbins 1970; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, asymptotic confidence sequences). The mixture
    is tuned to be narrowest at `planned_n` participants an arm, fixed before the start; even there the interval is
    some 50 % wider than a single look's. Refused below 30 participants an arm.
    """
    values_a, values_b = numbers(a, "a"), numbers(b, "b")
    n_a, n_b, planned = len(values_a), len(values_b), count(planned_n, "planned_n", low=FEWEST)
    if min(n_a, n_b) < FEWEST:
        return no_difference(f"monitoring starts at {FEWEST} participants per arm", n_a=n_a, n_b=n_b, method=METHOD)
    variance = moments(values_a).square + moments(values_b).square
    if variance == 0:
        return no_difference("all values within each arm are equal", n_a=n_a, n_b=n_b, method=METHOD)
    alpha = 1 - share(level, "level")
    # ratio of the mixture's variance to the present one; at the planned n it is best_ratio
    seen = 2 / (1 / n_a + 1 / n_b)
    ratio = best_ratio(alpha) * seen / planned
    half = sqrt(variance * 2 * (1 + ratio) / ratio * log(sqrt(1 + ratio) / alpha))
    difference = float(values_b.mean() - values_a.mean())
    p = min(1.0, sqrt(1 + ratio) * exp(-(difference**2) / variance * ratio / (2 * (1 + ratio))))
    return Difference(difference, difference - half, difference + half, p, n_a, n_b, METHOD, sqrt(variance))


def best_ratio(alpha: float) -> float:
    """Ratio of mixture variance to sampling variance at which the interval is narrowest (Howard et al. 2021)."""
    return float(-lambertw(-(alpha**2) / e, -1).real) - 1
