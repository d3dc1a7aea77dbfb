"""Whether two groups are made up of the same kinds of people, and what their difference is when they are made equal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from scipy import stats

from recux.stats.arrays import Floats, Ints, listed, numbers
from recux.stats.distributions import satterthwaite
from recux.stats.errors import StatisticsError
from recux.stats.means import t_result
from recux.stats.moments import Moments, moments
from recux.stats.results import Difference, no_difference

METHOD = "difference at an equal mix (direct standardisation), Welch's t test"
EXPECTED = 5.0  # people in a cell; with fewer the chi-square table is not to be trusted
DRAWS = 5000


@dataclass(frozen=True, slots=True)
class Mix:
    """Whether the kinds of people (cohorts) have the same shares in two groups."""

    p: float | None
    """p-value of equal shares; None when there is nothing to compare."""
    moved: bool
    """Whether p is below .05."""
    shares: tuple[tuple[str, float, float], ...]
    """Each kind with its share (0 to 1) in a and in b; empty when a group is."""
    reason: str | None = None
    """Why there is no p-value; None when there is."""


def compare_mix(a: Iterable[str], b: Iterable[str]) -> Mix:
    """Compare the kinds of people in two groups, one label a person.

    Chi-square test of homogeneity (Pearson 1900); where it expects fewer than five people in a cell, the same
    statistic with its p-value from 5,000 exchanges of people between the groups (fixed seed).
    """
    codes, kinds, n_a = _coded(a, b)
    return mix_of_counts(kinds, *(np.bincount(part, minlength=len(kinds)) for part in (codes[:n_a], codes[n_a:])))


def mix_of_counts(kinds: Sequence[str], first: Ints, second: Ints) -> Mix:
    """The same from the number of people of each kind in a and in b; kinds in ascending order."""
    n_a, n = int(first.sum()), int(first.sum() + second.sum())
    if min(n_a, n - n_a) == 0:
        return Mix(None, False, (), "a group is empty")
    counted = zip(kinds, first, second, strict=True)
    shares = tuple((kind, float(x / n_a), float(y / (n - n_a))) for kind, x, y in counted)
    if len(kinds) < 2:
        return Mix(None, False, shares, "everybody is of one kind")
    total = (first + second).astype(np.float64)
    expected = np.outer([n_a, n - n_a], total) / n
    statistic = float(((np.array([first, second]) - expected) ** 2 / expected).sum())
    if expected.min() >= EXPECTED:
        p = float(stats.chi2.sf(statistic, len(kinds) - 1))
    else:
        drawn = np.random.default_rng(0).multivariate_hypergeometric(first + second, n_a, size=DRAWS)
        # with the margins fixed both rows deviate alike, so one row tells
        gaps = (drawn - expected[0]) ** 2 * (1 / expected[0] + 1 / expected[1])
        p = (1 + int((gaps.sum(axis=1) >= statistic - 1e-9).sum())) / (1 + DRAWS)
    return Mix(p, p < 0.05, shares)


def compare_standardised(
    a: Iterable[float], b: Iterable[float], kinds_a: Sequence[str], kinds_b: Sequence[str], *, level: float = 0.95
) -> Difference:
    """Difference of means, b - a, as if both groups had the mix of kinds that they have together; one value a person.

    The mean of the differences within kinds, weighted by the kinds' shares of both groups together; kinds with fewer
    than two people in a group are left out. It answers Simpson's paradox: a difference made by the mix alone
    disappears. Raises StatisticsError for labels that do not fit the values.
    """
    values_a, values_b = numbers(a, "a"), numbers(b, "b")
    codes, kinds, n_a = _coded(kinds_a, kinds_b)
    if n_a != len(values_a) or len(codes) - n_a != len(values_b):
        raise StatisticsError("kinds_a and kinds_b must have one label for each value")
    return standardised_of([_within(values_a, values_b, codes, n_a, kind) for kind in range(len(kinds))], level=level)


def standardised_of(parts: Sequence[tuple[Moments, Moments]], *, level: float = 0.95) -> Difference:
    """The same from the moments of a and b within each kind."""
    used = [(x, y) for x, y in parts if min(x.n, y.n) > 1]
    sizes = sum(x.n for x, _ in used), sum(y.n for _, y in used)
    if not used:
        return no_difference("no kind has two people in both groups", n_a=sizes[0], n_b=sizes[1], method=METHOD)
    weights = [(x.n + y.n) / sum(sizes) for x, y in used]
    difference = sum(w * (y.mean - x.mean) for w, (x, y) in zip(weights, used, strict=True))
    squares = [(w**2 * m.square, m.n - 1) for w, pair in zip(weights, used, strict=True) for m in pair]
    variance = sum(square for square, _ in squares)
    if variance == 0:
        return no_difference("all values within each kind are equal", n_a=sizes[0], n_b=sizes[1], method=METHOD)
    return t_result(difference, sqrt(variance), satterthwaite(*squares), sizes, level=level, method=METHOD)


def _coded(a: Iterable[str], b: Iterable[str]) -> tuple[Ints, list[str], int]:
    first, second = listed(a, "the kinds of a"), listed(b, "the kinds of b")
    codes, kinds = pd.factorize(np.array([str(one) for one in first + second], dtype=object), sort=True)
    return codes.astype(np.int64), [str(kind) for kind in kinds], len(first)


def _within(a: Floats, b: Floats, codes: Ints, n_a: int, kind: int) -> tuple[Moments, Moments]:
    return moments(a[codes[:n_a] == kind]), moments(b[codes[n_a:] == kind])
