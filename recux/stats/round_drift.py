"""Drift of a distribution between two rounds, judged by participants and not by rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recux.stats.arrays import Floats, Ints, cluster_codes, count, generator, listed, numbers
from recux.stats.clusters import MOST_GROUPS

BINS = 10
FEWEST = 5  # participants in a round
PRESENT = 0.5  # rows added to every bin, so that an empty one does not make the index infinite


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a distribution moved between two rounds."""

    psi: float | None
    """Population stability index, 0 = unchanged; by custom .1 is small and .25 large. None when not estimable."""
    psi_p: float | None
    """p-value of so large an index when participants are exchanged between the rounds; None when `psi` is."""
    ks: float | None
    """Kolmogorov-Smirnov distance of the two distributions, 0 to 1; None when `psi` is."""
    ks_p: float | None
    """p-value of so large a distance, by the same exchange; None when `psi` is."""
    n_before: int
    """Participants in the earlier round."""
    n_after: int
    """Participants in the later round."""
    reason: str | None = None
    """Why drift is not estimable; None when it is."""


def drift(
    before: Iterable[float],
    after: Iterable[float],
    *,
    clusters_before: Iterable[Any],
    clusters_after: Iterable[Any],
    seed: int,
    draws: int = 2000,
) -> Drift:
    """Population stability index and Kolmogorov-Smirnov distance, with p-values that exchange whole participants.

    Bins of the index: the values themselves if there are at most ten, else deciles of both rounds together.
    People of one round are dealt out anew between the rounds; those in both keep one round each, swapped or not. The
    usual Kolmogorov-Smirnov table would take each row for a person. Raises StatisticsError for values not finite.
    """
    values = numbers(before, "before"), numbers(after, "after")
    labels = listed(clusters_before, "clusters_before") + listed(clusters_after, "clusters_after")
    codes, n = cluster_codes(labels, len(values[0]) + len(values[1]), "clusters")
    split = len(values[0])
    sizes = np.stack([np.bincount(part, minlength=n) for part in (codes[:split], codes[split:])])
    n_before, n_after = int((sizes[0] > 0).sum()), int((sizes[1] > 0).sum())
    together = np.concatenate(values)
    if min(n_before, n_after) < FEWEST or np.ptp(together) == 0:
        few = min(n_before, n_after) < FEWEST
        reason = f"a round has fewer than {FEWEST} participants" if few else "all values are equal"
        return Drift(None, None, None, None, n_before, n_after, reason)
    rng = generator(seed)
    group, sizes = _groups(sizes, rng)
    codes = group[codes]
    taken = _exchanges(sizes, count(draws, "draws", low=200), rng)
    psi = _psi(*_dealt(_binned(together, _edges(together, BINS)), codes, split, taken))
    ks = _ks(*_dealt(_binned(together, _edges(together, 200)), codes, split, taken))
    return Drift(float(psi[0]), _p(psi), float(ks[0]), _p(ks), n_before, n_after)


def _groups(sizes: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Group of each participant and the groups' rows in each round, shape (2, groups).

    People of one kind (earlier round, later round, both) share groups only among themselves; up to 2,000 in all
    everybody is alone, beyond that each kind is cut into random groups, so that the cost stops growing.
    """
    n = sizes.shape[1]
    kinds, group, used = (sizes > 0).T @ np.array([1, 2]), np.zeros(n, dtype=np.int64), 0
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        parts = len(members) if n <= MOST_GROUPS else max(FEWEST, len(members) * MOST_GROUPS // n)
        group[members] = used + rng.permutation(len(members)) % parts
        used += parts
    return group, np.stack([np.bincount(group, weights=row, minlength=used).astype(np.int64) for row in sizes])


def _exchanges(sizes: Ints, draws: int, rng: np.random.Generator) -> Floats:
    """For every draw and participant, 1 if their earlier rows (or their only ones) count as later ones.

    Shape (draws + 1, participants); the first row is the truth. 0 = stays, 1 = changes sides.
    """
    both, only_after = (sizes > 0).all(axis=0), sizes[0] == 0
    single = np.flatnonzero(~both)
    changed = np.zeros((draws + 1, sizes.shape[1]))
    changed[1:, both] = rng.integers(0, 2, (draws, int(both.sum())))
    dealt = rng.permuted(np.tile(only_after[single], (draws, 1)), axis=1)
    changed[1:, single] = dealt != only_after[single]
    return changed


def _dealt(bins: Ints, codes: Ints, split: int, changed: Floats) -> tuple[Floats, Floats]:
    """Rows in each bin before and after, shape (draws + 1, bins), for every exchange."""
    n, size = changed.shape[1], int(bins.max()) + 1
    cells = codes * size + bins
    first, second = (
        np.bincount(part, minlength=n * size).reshape(n, size).astype(np.float64)
        for part in (cells[:split], cells[split:])
    )
    moved = changed @ (second - first)
    return first.sum(axis=0) + moved, second.sum(axis=0) - moved


def _edges(values: Floats, most: int) -> Floats:
    unique = np.unique(values)
    return unique if len(unique) <= most else np.unique(np.quantile(values, np.linspace(0, 1, most + 1)[1:]))


def _binned(values: Floats, edges: Floats) -> Ints:
    return np.minimum(np.searchsorted(edges, values), len(edges) - 1).astype(np.int64)


def _psi(before: Floats, after: Floats) -> Floats:
    p, q = (((x + PRESENT) / (x + PRESENT).sum(axis=1, keepdims=True)) for x in (before, after))
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=1))


def _ks(before: Floats, after: Floats) -> Floats:
    p, q = (x.cumsum(axis=1) / x.sum(axis=1, keepdims=True) for x in (before, after))
    return np.asarray(np.abs(p - q).max(axis=1))


def _p(statistic: Floats) -> float:
    # the truth is one of the exchanges, so p is never 0
    return float((statistic >= statistic[0] - 1e-12).mean())
