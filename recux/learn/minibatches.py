"""Which rows learn together: minibatches of like length and about equal numbers of tokens."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
POOL = 32
"""Minibatches whose rows are sorted by length together; more means less padding and less mixing."""


def plan_epoch(lengths: NDArray[np.int64], budget: int, *, seed: int, epoch: int) -> list[Rows]:
    """Minibatches of one epoch, each row once, in an order that depends on seed and epoch only.

    Rows are shuffled, sorted by length within pools, cut at ``budget`` real tokens, and the minibatches shuffled.
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(lengths))
    total = int(lengths.sum())
    pools = max(1, round(total / (POOL * budget)))
    minibatches: list[Rows] = []
    for pool in np.array_split(order, pools):
        by_length = pool[np.argsort(lengths[pool], kind="stable")]
        minibatches += cut(by_length, lengths, budget)
    return [minibatches[i] for i in random.permutation(len(minibatches))]


def cut(rows: Rows, lengths: NDArray[np.int64], budget: int) -> list[Rows]:
    """Runs of ``rows`` of about equal total length, as many as ``budget`` tokens each asks for."""
    if len(rows) == 0:
        return []
    ends = np.cumsum(lengths[rows])
    parts = min(len(rows), max(1, round(int(ends[-1]) / budget)))
    marks = np.searchsorted(ends, ends[-1] * np.arange(1, parts) / parts)
    return [part for part in np.split(rows, marks) if len(part)]


def by_area(rows: Rows, lengths: NDArray[np.int64], area: int) -> Iterator[Rows]:
    """Pieces of ``rows``, longest first, of at most ``area`` tokens with padding; a longer single row stands alone."""
    order = rows[np.argsort(-lengths[rows], kind="stable")]
    at = 0
    while at < len(order):
        take = max(1, area // max(1, int(lengths[order[at]])))
        yield order[at : at + take]
        at += take
