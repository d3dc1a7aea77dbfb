"""What a scale leaves: a monotone curve from the probability that a model states to how often it holds."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Curve = list[list[float]]
"""Stated probabilities (rising) and the ones to serve in their place; empty: as stated."""
MIN_ROWS = 100
"""With fewer rows only the scale is fitted."""
PRIOR_ROWS = 20.0
"""Rows' weight, at each step of the curve, of the belief that what is stated holds."""
LEAST = 0.002
"""Nothing is served as more certain than 1 minus this on the word of a curve."""


def stated(p: Array) -> Array:
    """P(yes) of a binary head; the probability of the likeliest star of an ordinal one, (n, 5) -> (n,)."""
    return p if p.ndim == 1 else np.asarray(p.max(1))


def fit_curve(p: Array, classes: NDArray[np.int64]) -> Curve:
    """Centred isotonic regression of what happened on what was stated, drawn towards the diagonal.

    ``classes`` count from 0. What happened is a yes, or that the likeliest star was right. Steps become slopes between
    their centres (Oron and Flournoy 2017), so that order is kept.
    """
    if len(classes) < MIN_ROWS:
        return []
    from sklearn.isotonic import IsotonicRegression

    said = stated(p)
    held = (classes == 1) if p.ndim == 1 else (p.argmax(1) == classes)
    steps = IsotonicRegression().fit(said, held.astype(float)).predict(said)
    height, step, rows = np.unique(steps, return_inverse=True, return_counts=True)
    centre = np.bincount(step, said) / rows
    drawn = np.maximum.accumulate((height * rows + centre * PRIOR_ROWS) / (rows + PRIOR_ROWS))
    first = max(LEAST, drawn[0] - centre[0])
    last = min(1 - LEAST, drawn[-1] + 1 - centre[-1])
    served = np.clip(np.concatenate([[first], drawn, [last]]), LEAST, 1 - LEAST)
    return [[0.0, *map(float, centre), 1.0], [float(y) for y in np.maximum.accumulate(served)]]


def curved(p: Array, curve: Curve) -> Array:
    """``p`` as the curve has it; of stars the likeliest one is moved and the others keep their proportions.

    It stays the likeliest, level with the second at worst: nobody has looked how often the second is right.
    """
    if not curve or not len(p):
        return p
    moved = np.interp(stated(p), np.array(curve[0]), np.array(curve[1]))
    if p.ndim == 1:
        return np.asarray(moved)
    likeliest = p.argmax(1)
    others = np.clip(1 - stated(p), 1e-9, None)
    second = np.partition(p, -2, axis=1)[:, -2]
    moved = np.maximum(moved, second / (others + second) * (1 + 1e-9))
    out = p * ((1 - moved) / others)[:, None]
    out[np.arange(len(p)), likeliest] = moved
    return np.asarray(out / out.sum(1, keepdims=True))
