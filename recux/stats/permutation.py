"""Paired comparison without a shape assumption: sign flips and a bootstrap."""

from collections.abc import Iterable
from itertools import product

import numpy as np

from recux.stats.arrays import Floats, count, generator, pair_of
from recux.stats.clusters import expanded_percentiles, multiplicities, random_groups
from recux.stats.moments import all_equal
from recux.stats.results import Difference, no_difference

EXACT_UP_TO = 14  # pairs: 16,384 sign patterns
FEWEST = 6  # pairs: with fewer no sign pattern reaches p < .05


def compare_paired_permutation(
    a: Iterable[float], b: Iterable[float], *, seed: int, draws: int = 10_000, level: float = 0.95
) -> Difference:
    """Mean difference b - a of the same units (people, lists) measured twice, b[i] against a[i].

    p: sign flips of the differences (Fisher 1935), all of them up to 14 pairs, else `draws` at random. Interval:
    expanded percentile bootstrap of the pairs. Beyond 2,000 pairs random groups of them are flipped and drawn
    together. Not estimable below 6 pairs. Raises StatisticsError for values that are not finite or lists of unequal
    length.
    """
    first, second = pair_of(a, b, "a", "b")
    change, n, method = second - first, len(first), "sign-flip permutation, bootstrap interval"
    if n < FEWEST or all_equal(change):
        reason = f"{n} pairs, at least {FEWEST} are needed" if n < FEWEST else "every pair has the same difference"
        return no_difference(reason, n_a=n, n_b=n, method=method)
    rng, size = generator(seed), count(draws, "draws", low=200)
    group, units = random_groups(n, rng)
    people, sums = np.bincount(group, minlength=units), np.bincount(group, change, units).astype(np.float64)
    flipped, observed = _flipped_sums(sums, size, rng) / n, float(change.mean())
    extreme = int((np.abs(flipped) >= abs(observed) - 1e-12 * np.abs(change).max()).sum())
    # drawn at random, the observed signs count as one more pattern
    p = extreme / len(flipped) if n <= EXACT_UP_TO else (extreme + 1) / (len(flipped) + 1)
    weights = multiplicities(units, size, rng)
    resampled = (weights @ sums) / (weights @ people)
    low, high = np.quantile(resampled, expanded_percentiles(n, level))
    return Difference(observed, float(low), float(high), p, n, n, method, float(resampled.std(ddof=1)))


def _flipped_sums(sums: Floats, draws: int, rng: np.random.Generator) -> Floats:
    if len(sums) <= EXACT_UP_TO:
        signs = np.array(list(product((1.0, -1.0), repeat=len(sums))))
    else:
        signs = rng.integers(0, 2, (draws, len(sums)), dtype=np.int8) * 2.0 - 1
    return np.asarray(signs @ sums)
