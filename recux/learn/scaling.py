"""The first step of calibration: log-probabilities stretched and shifted class by class."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from recux.learn.metrics import TINY

Array = NDArray[np.float64]
PRIOR_ROWS = 20.0
"""Weight, in rows, of the belief that no temperature is needed; keeps few rows from an extreme one."""
CLASS_PRIOR_ROWS = 50.0
"""The same for the belief that every class needs the same."""
HOTTEST = 2.5
"""Largest logarithm of a temperature, either way."""


class Scale(NamedTuple):
    """Vector scaling (Guo et al. 2017): ``slope * log(p) / temperature + shift``, then normalised."""

    temperature: float = 1.0
    """Above 1 softens. Alone it also changes how often each class is expected, rightly or not."""
    slope: Sequence[float] = ()
    """By class, positive, around 1; empty: all 1."""
    shift: Sequence[float] = ()
    """By class, around 0; empty: all 0."""


def classes_of(p: Array) -> Array:
    """P(yes) (n,) as (n, 2); probabilities of classes (n, k) as they are."""
    return np.stack([1 - p, p], 1) if p.ndim == 1 else p


def scaled(p: Array, scale: Scale) -> Array:
    """``p`` as ``scale`` has it; the shape stays. Of a yes and a no the order stays, too."""
    return normalised(logs(p) * slopes(scale) + (scale.shift or 0.0), p.ndim)


def slopes(scale: Scale) -> Array:
    """What the log-probabilities are multiplied with: one number, or one a class."""
    return np.asarray(scale.slope or 1.0) / scale.temperature


def logs(p: Array) -> Array:
    """Log-probabilities of classes, (n, k)."""
    return np.asarray(np.log(np.clip(classes_of(p), TINY, 1)))


def normalised(scores: Array, dimensions: int = 2) -> Array:
    """Scores (n, k) as probabilities; as P(yes) (n,) when one dimension is wanted."""
    out = softmax(scores, axis=1)
    return np.asarray(out[:, 1] if dimensions == 1 else out)


def fit_scale(p: Array, classes: NDArray[np.int64]) -> Scale:
    """The scale with the lowest log-loss, drawn towards changing nothing when rows are few."""
    if len(classes) == 0:
        return Scale()
    said = logs(p)
    k = said.shape[1]
    happened = np.eye(k)[classes]
    prior = np.array([PRIOR_ROWS] + [CLASS_PRIOR_ROWS] * 2 * k)

    def cost(x: Array) -> tuple[float, Array]:
        slope = np.exp(-x[0] - x[1 : k + 1])
        fair = normalised(said * slope + x[k + 1 :])
        off = fair - happened
        steeper = (off * said).sum(0) * slope
        gradient = np.concatenate([[-steeper.sum()], -steeper, off.sum(0)]) + prior * x
        loss = -np.log(np.clip(fair[happened == 1], TINY, 1)).sum()
        return float(loss + prior @ x**2 / 2), gradient

    free = (-HOTTEST, HOTTEST)
    x = minimize(cost, np.zeros(2 * k + 1), jac=True, method="L-BFGS-B", bounds=[free] * (2 * k + 1)).x
    return Scale(float(np.exp(x[0])), np.exp(-x[1 : k + 1]).tolist(), x[k + 1 :].tolist())
