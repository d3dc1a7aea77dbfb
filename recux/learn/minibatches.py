"""Which rows learn together: minibatches of like length and about equal numbers of tokens."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
SHORT = 0.5
"""Rows below this share of a piece's longest go into the next piece."""
WORTH = 64
"""Real tokens that make a piece of their own worth its fixed cost."""
POOL = 32
"""Minibatches whose rows are sorted by length together; more means less padding and less mixing."""


def plan_epoch(
    lengths: NDArray[np.int64], kinds: NDArray[np.bool_], *, budget: int, most: int, seed: int, epoch: int
) -> list[Rows]:
    """Minibatches of one epoch, each row once, in an order that depends on seed and epoch only.

    There are as many as ``budget`` real tokens each, or ``most`` rows each, ask for, whichever is more. Each gets its
    share of both ``kinds`` (comments and pairs), so that every step teaches every head; within a kind, rows are
    shuffled, sorted by length within pools, cut into equal numbers of tokens, and the parts shuffled.
    """
    random = np.random.default_rng((seed, epoch))
    count = max(1, round(int(lengths.sum()) / budget), -(-len(lengths) // most))
    parts: list[list[Rows]] = [[] for _ in range(count)]
    for kind in (False, True):
        rows = random.permutation(np.flatnonzero(kinds == kind))
        pieces = bucketed(rows, lengths, count)
        for place, piece in zip(random.permutation(count), pieces, strict=False):
            parts[place].append(piece)
    return [np.concatenate(part) for part in parts if part]


def bucketed(rows: Rows, lengths: NDArray[np.int64], count: int) -> list[Rows]:
    """Shuffled ``rows`` in at most ``count`` pieces of like length within and about equal tokens."""
    pools = max(1, round(count / POOL))
    wanted = [len(chunk) for chunk in np.array_split(np.arange(count), pools)]
    pieces: list[Rows] = []
    for pool, n in zip(np.array_split(rows, pools), wanted, strict=True):
        pieces += cut(pool[np.argsort(lengths[pool], kind="stable")], lengths, n)
    return pieces


def cut(rows: Rows, lengths: NDArray[np.int64], parts: int) -> list[Rows]:
    """Runs of ``rows`` of about equal total length."""
    if len(rows) == 0:
        return []
    ends = np.cumsum(lengths[rows])
    marks = np.searchsorted(ends, ends[-1] * np.arange(1, parts) / parts)
    return [part for part in np.split(rows, marks) if len(part)]


def by_area(rows: Rows, lengths: NDArray[np.int64], area: int) -> Iterator[Rows]:
    """Pieces of ``rows``, longest first, of at most ``area`` tokens with padding; a longer single row stands alone.

    A piece also ends where rows get so short that padding would be half of what they cost, if enough are left.
    """
    order = rows[np.argsort(-lengths[rows], kind="stable")]
    sorted_lengths = lengths[order]
    at = 0
    while at < len(order):
        longest = max(1, int(sorted_lengths[at]))
        take = max(1, area // longest)
        short = at + int(np.searchsorted(-sorted_lengths[at:], -longest * SHORT, side="right"))
        if at < short < at + take and int(sorted_lengths[short : at + take].sum()) >= WORTH:
            take = short - at
        yield order[at : at + take]
        at += take
