"""Key drivers: which answers go along with the outcome, and how sure their order is. Association, not cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from recux.stats.arrays import Floats, count, generator, listed, table_of
from recux.stats.clusters import expanded_percentiles, multiplicities, random_groups
from recux.stats.errors import StatisticsError
from recux.stats.reliability import complete_rows

MOST = 10  # drivers: 1,024 subsets
ROWS_PER_DRIVER = 5


@dataclass(frozen=True, slots=True)
class Driver:
    """One question's part in explaining the outcome."""

    name: str
    """The question."""
    share: float
    """Its Shapley share of R squared, 0 to 1; all shares add up to 1."""
    ci_low: float
    """Lower end of the bootstrap interval of `share`."""
    ci_high: float
    """Upper end of the bootstrap interval of `share`."""
    rank: int
    """1 = largest share."""
    rank_low: int
    """Best rank in the interval."""
    rank_high: int
    """Worst rank in the interval: drivers whose rank intervals overlap are not told apart."""


@dataclass(frozen=True, slots=True)
class KeyDrivers:
    """Shares of the explained variance of an outcome. Association, not cause."""

    drivers: tuple[Driver, ...]
    """By rank; empty when not estimable."""
    r_squared: float | None
    """Share of the outcome's variance that all drivers together explain, 0 to 1; None when not estimable."""
    n: int
    """Participants with all answers."""
    reason: str | None = None
    """Why the drivers are not estimable; None when they are."""


def key_drivers(
    outcome: Sequence[float], table: Any, names: Sequence[str], *, seed: int, draws: int = 1000, level: float = 0.95
) -> KeyDrivers:
    """Shapley shares of R squared (Lindeman, Merenda and Gold 1980; Gromping 2007) with bootstrap intervals.

    One row a participant: `outcome` of shape (people,), `table` (people, drivers), NaN = no answer (that person is
    left out). Each driver gets its mean gain in R squared over all orders of entering the regression, so that
    correlated drivers split what they share. Not estimable with fewer than 5 people a driver or when something does
    not vary. Raises StatisticsError for more than 10 drivers or names that do not fit.
    """
    answers, names = table_of(table), listed(names, "names")
    if not 1 <= answers.shape[1] <= MOST or len(names) != answers.shape[1]:
        raise StatisticsError(f"{answers.shape[1]} drivers with {len(names)} names, must be equal and 1 to {MOST}")
    values = table_of([listed(outcome, "outcome")], "outcome")[0]
    if len(values) != len(answers):
        raise StatisticsError(f"outcome has {len(values)} values for {len(answers)} rows of the table")
    data = complete_rows(np.column_stack([values, answers]))
    n, size = len(data), answers.shape[1]
    if n < max(10, ROWS_PER_DRIVER * size):
        return KeyDrivers((), None, n, f"{n} participants are too few for {size} drivers")
    if (np.ptp(data, axis=0) == 0).any():
        return KeyDrivers((), None, n, "the outcome or a driver does not vary")
    gains = shapley_r_squared(_resampled_correlations(data, count(draws, "draws", low=200), generator(seed)))
    if not np.isfinite(gains).all() or gains[0].sum() < 1e-9:
        return KeyDrivers((), None, n, "the drivers explain nothing, or repeat each other")
    return KeyDrivers(_ranked(gains, names, n, level), float(gains[0].sum()), n)


def shapley_r_squared(correlations: Floats) -> Floats:
    """Shapley value of R squared for each driver, shape (draws, drivers); they add up to R squared.

    `correlations` has shape (draws, 1 + drivers, 1 + drivers), the outcome first. A trace is added to the diagonal
    so that a resample in which two drivers coincide still has a solution.
    """
    draws, size = len(correlations), correlations.shape[1] - 1
    inside = correlations[:, 1:, 1:] + 1e-9 * np.eye(size)
    against = correlations[:, 1:, 0]
    explained: dict[tuple[int, ...], Floats] = {(): np.zeros(draws)}
    for chosen in (s for length in range(1, size + 1) for s in combinations(range(size), length)):
        part = against[:, chosen]
        solved = np.linalg.solve(inside[:, chosen][:, :, chosen], part[:, :, None])[:, :, 0]
        explained[chosen] = (part * solved).sum(axis=1)
    values = np.zeros((draws, size))
    for chosen, r_squared in explained.items():
        if len(chosen) == size:
            continue
        weight = factorial(len(chosen)) * factorial(size - len(chosen) - 1) / factorial(size)
        for driver in set(range(size)) - set(chosen):
            values[:, driver] += weight * (explained[tuple(sorted((*chosen, driver)))] - r_squared)
    return values


def _resampled_correlations(data: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Correlation matrix of all people and of each resample, shape (draws + 1, columns, columns).

    Beyond 2,000 people random groups of them are drawn, so that memory and time stop growing.
    """
    group, n = random_groups(len(data), rng)
    centred = (data - data.mean(axis=0)) / data.std(axis=0)
    size = centred.shape[1]
    sums = np.stack([np.bincount(group, x, n) for x in centred.T], axis=1)
    products = np.stack([np.bincount(group, x * y, n) for x in centred.T for y in centred.T], axis=1)
    weights = np.vstack([np.ones((1, n)), multiplicities(n, draws, rng)])
    total = weights @ np.bincount(group, minlength=n)
    means = weights @ sums / total[:, None]
    covariance = (weights @ products / total[:, None]).reshape(-1, size, size) - means[:, :, None] * means[:, None, :]
    # a column that a resample leaves constant explains nothing there
    scale = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 1e-12))
    correlations = covariance / (scale[:, :, None] * scale[:, None, :])
    correlations[:, np.arange(size), np.arange(size)] = 1.0
    return np.asarray(correlations)


def _ranked(gains: Floats, names: Sequence[str], n: int, level: float) -> tuple[Driver, ...]:
    shares = gains / np.maximum(gains.sum(axis=1, keepdims=True), 1e-12)
    ranks = (-shares).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 1
    low, high = expanded_percentiles(n, level)
    found = []
    for i, name in enumerate(names):
        share_low, share_high = (float(x) for x in np.quantile(shares[1:, i], (low, high)))
        best, worst = (int(x) for x in np.quantile(ranks[1:, i], (low, high), method="inverted_cdf"))
        share, rank = float(shares[0, i]), int(ranks[0, i])
        # resampled shares are never negative, so those of a useless driver lie above its own
        ends = min(share_low, share), max(share_high, share)
        found.append(Driver(name, share, *ends, rank, min(best, rank), max(worst, rank)))
    return tuple(sorted(found, key=lambda driver: driver.rank))
