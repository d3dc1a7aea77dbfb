"""From scores to a slate's order: what may be shown, how ties fall, and how alike neighbours may be."""

import numpy as np
from numpy.typing import NDArray

from recux.recommend.catalogue import Catalogue

Floats = NDArray[np.float64]
Columns = NDArray[np.int64]
POOL = 8
"""Diversity chooses among this many times the slate's size."""


def tiers(n_items: int, *, rated: Columns, shown: Columns) -> NDArray[np.int8]:
    """0 for items the person has not met, 1 for those only shown, 2 for rated ones."""
    tier = np.zeros(n_items, dtype=np.int8)
    tier[shown] = 1
    tier[rated] = 2
    return tier


def ranked(scores: Floats, tie_break: Floats, tier: NDArray[np.int8], size: int, *, pool: int, seed: int) -> Columns:
    """Columns to build a slate of ``size`` from, best first.

    Items the person has not met come first; shown ones fill up; rated ones come only when there is nothing else.
    Equal scores fall by ``tie_break``, then by chance drawn from ``seed``, so that two people with equal scores do not
    always see the same few items. ``pool`` columns are returned when the unmet items alone are enough.
    """
    columns = np.flatnonzero(tier < 2) if (tier < 2).any() else np.arange(len(tier))
    chance = np.random.default_rng(seed).random(len(columns))
    order = np.lexsort((chance, -tie_break[columns], -np.round(scores[columns], 9), tier[columns]))
    enough = int((tier == 0).sum())
    return columns[order[: min(pool, enough) if enough >= size else size]]


def pool_for(size: int, diversity: float) -> int:
    """How many of the best items a slate of ``size`` is built from."""
    return size if diversity == 0 else size * POOL


def diversified(catalogue: Catalogue, scores: Floats, from_best: Columns, size: int, diversity: float) -> Columns:
    """Maximal marginal relevance over ``from_best``: (1 - diversity) x score - diversity x likeness to what was taken.

    Scores are scaled to 0..1 within ``from_best``; likeness is the cosine of the items' words, plus nothing when there
    are none. Carbonell and Goldstein, SIGIR 1998.
    """
    vectors = catalogue.text_vectors
    if diversity == 0 or vectors is None or len(from_best) <= 1:
        return from_best[:size]
    own = scores[from_best]
    worth = (own - own.min()) / (np.ptp(own) or 1.0)
    alike = (vectors.rows[from_best] @ vectors.rows[from_best].T).toarray()
    taken: list[int] = []
    left = np.ones(len(from_best), dtype=bool)
    nearest = np.zeros(len(from_best))
    while len(taken) < min(size, len(from_best)):
        gain = np.where(left, (1 - diversity) * worth - diversity * nearest, -np.inf)
        taken.append(int(gain.argmax()))
        left[taken[-1]] = False
        nearest = np.maximum(nearest, alike[taken[-1]])
    return from_best[taken]
