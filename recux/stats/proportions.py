"""Proportions of independent people: exact intervals, Fisher's test, and the sample-ratio check."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from scipy import special, stats

from recux.stats.arrays import Floats, count, listed, numbers, share
from recux.stats.errors import StatisticsError
from recux.stats.results import Difference, Estimate, no_difference, no_estimate

EXACT_BELOW = 1000  # people in all; from here on chi-square is as good
MAX_OUTCOMES = 2_000_000  # enumerated in the exact multinomial test
SIMULATED = 200_000  # outcomes drawn where there are too many to enumerate


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether the arms got the numbers of people that were planned."""

    p: float | None
    """p-value of the planned ratio; None when nobody was assigned."""
    ok: bool | None
    """False = sample ratio mismatch: the comparison cannot be trusted. None when nobody was assigned."""
    method: str
    """exact, simulated (exact test by simulation) or chi-square."""
    reason: str | None = None
    """Why there is no p-value; None when there is."""


def clopper_pearson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Exact binomial interval; real-valued counts are allowed for effective sample sizes."""
    alpha = 1 - share(level, "level")
    low = 0.0 if successes <= 0 else float(special.betaincinv(successes, n - successes + 1, alpha / 2))
    high = 1.0 if successes >= n else float(special.betaincinv(successes + 1, n - successes, 1 - alpha / 2))
    return low, high


def proportion(successes: int, n: int, *, level: float = 0.95) -> Estimate:
    """Share (0 to 1) of `n` independent people, with the Clopper-Pearson interval (1934), conservative by nature."""
    k, n = _successes(successes, n, "")
    if n == 0:
        return no_estimate("nobody to count", n=0, method="Clopper-Pearson")
    return Estimate(k / n, *clopper_pearson(k, n, level), n, "Clopper-Pearson")


def compare_proportions(successes_a: int, n_a: int, successes_b: int, n_b: int, *, level: float = 0.95) -> Difference:
    """Difference of two independent shares, b - a, from -1 to 1.

    p: Fisher's exact test, two-sided. Interval: square-and-add (Newcombe 1998, method 10) on Clopper-Pearson instead
    of Wilson limits, and always holding 0 when Fisher's p is not below 1 - level, so that interval and test never
    announce a difference that the exact test does not. Conservative; never degenerate with zero events.
    """
    ka, n_a = _successes(successes_a, n_a, "_a")
    kb, n_b = _successes(successes_b, n_b, "_b")
    method = "Fisher's exact test, square-and-add Clopper-Pearson interval"
    if min(n_a, n_b) == 0:
        return no_difference("an arm has nobody to count", n_a=n_a, n_b=n_b, method=method)
    share_a, share_b = ka / n_a, kb / n_b
    low_a, high_a = clopper_pearson(ka, n_a, level)
    low_b, high_b = clopper_pearson(kb, n_b, level)
    difference = share_b - share_a
    low = difference - sqrt((share_b - low_b) ** 2 + (high_a - share_a) ** 2)
    high = difference + sqrt((high_b - share_b) ** 2 + (share_a - low_a) ** 2)
    p = float(stats.fisher_exact([[kb, n_b - kb], [ka, n_a - ka]]).pvalue)
    if p >= 1 - level:
        low, high = min(low, 0.0), max(high, 0.0)
    return Difference(difference, max(-1.0, low), min(1.0, high), min(1.0, p), n_a, n_b, method)


def srm(counts: Sequence[int], weights: Sequence[float] | None = None) -> SampleRatio:
    """Sample-ratio check: whether the numbers of people per arm fit the planned weights (equal by default).

    Below 1,000 people in all the test is exact (binomial or multinomial, outcomes no likelier than the observed one;
    by 200,000 fixed-seed draws where there are too many outcomes) and ok means p >= .01; from 1,000 on it is
    chi-square and ok means p >= .001. Raises StatisticsError for fewer than two arms, counts that are not whole
    numbers, or weights that are not positive.
    """
    observed = np.array([count(c, f"counts[{i}]") for i, c in enumerate(listed(counts, "counts"))], dtype=np.float64)
    if len(observed) < 2:
        raise StatisticsError(f"counts has {len(observed)} arms, must have at least 2")
    shares = numbers([1.0] * len(observed) if weights is None else weights, "weights")
    if len(shares) != len(observed) or (shares <= 0).any():
        raise StatisticsError("weights must be positive, one for each arm")
    shares, total = shares / shares.sum(), int(observed.sum())
    if total == 0:
        return SampleRatio(None, None, "exact", "nobody was assigned")
    if total >= EXACT_BELOW:
        p = float(stats.chisquare(observed, shares * total).pvalue)
        return SampleRatio(p, p >= 0.001, "chi-square")
    exact = comb(total + len(observed) - 1, len(observed) - 1) <= MAX_OUTCOMES
    p = _multinomial_p(observed, shares) if exact else _simulated_p(observed, shares)
    return SampleRatio(p, p >= 0.01, "exact" if exact else "simulated")


def _successes(successes: float, n: float, suffix: str) -> tuple[int, int]:
    k, total = count(successes, f"successes{suffix}"), count(n, f"n{suffix}")
    if k > total:
        raise StatisticsError(f"successes{suffix} == {k} is more than n{suffix} == {total}")
    return k, total


def _log_pmf(outcomes: Floats, shares: Floats) -> Floats:
    total = outcomes.sum(axis=-1)
    logs = special.gammaln(total + 1) + (special.xlogy(outcomes, shares) - special.gammaln(outcomes + 1)).sum(axis=-1)
    return np.asarray(logs)


def _multinomial_p(observed: Floats, shares: Floats) -> float:
    logs = _log_pmf(_compositions(int(observed.sum()), len(observed)), shares)
    # the tolerance keeps outcomes of equal probability together, as scipy.stats.binomtest does
    return min(1.0, float(np.exp(logs[logs <= _log_pmf(observed, shares) + 1e-7]).sum()))


def _simulated_p(observed: Floats, shares: Floats) -> float:
    draws = np.random.default_rng(0).multinomial(int(observed.sum()), shares, size=SIMULATED)
    as_unlikely = int((_log_pmf(draws.astype(np.float64), shares) <= _log_pmf(observed, shares) + 1e-7).sum())
    return (1 + as_unlikely) / (1 + SIMULATED)


def _compositions(total: int, parts: int) -> Floats:
    """All ways to split `total` people over `parts` arms, one a row."""
    if parts == 2:
        first_arm = np.arange(total + 1.0)
        return np.column_stack([first_arm, total - first_arm])
    blocks = [
        np.column_stack([np.full(len(rest), float(first)), rest])
        for first in range(total + 1)
        for rest in [_compositions(total - first, parts - 1)]
    ]
    return np.concatenate(blocks)
