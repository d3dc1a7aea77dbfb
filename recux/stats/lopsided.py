"""How much wider intervals of reliability must be where answers crowd at one end of their scale."""

from collections.abc import Callable
from math import sqrt

import numpy as np

from recux.stats.arrays import Floats
from recux.stats.clusters import random_groups
from recux.stats.distributions import critical_t
from recux.stats.moments import moments

SKEWED = 1.0  # skewness of a question from which normal theory is not trusted
FEWEST = 15  # people; with fewer, leaving one out says too little
STRETCHED = ", stretched by the jackknife for lopsided answers"


def stretch(data: Floats, transformed: Callable[[Floats], Floats], half: float, *, level: float) -> float:
    """Factor, 1 or more, for the half width `half` of an interval that takes answers for normal.

    `data` has shape (people, questions) without gaps; `transformed` turns covariances of shape (m, questions,
    questions) into m values on the scale of `half`. Where a question is skewed, the standard error comes from leaving
    out one person after the other (Efron and Stein 1981), with degrees of freedom from the kurtosis of what that
    changes: a few people may make most of it.
    """
    if len(data) < FEWEST or max(abs(moments(column).skewness) for column in data.T) <= SKEWED:
        return 1.0
    values = transformed(_covariances_without_each(data))
    gaps, parts = values - values.mean(), len(values)
    squares = float(gaps @ gaps)
    if squares == 0:
        return 1.0
    kurtosis = parts * float((gaps**4).sum()) / squares**2
    df = max(2.0, 2 * parts / (kurtosis - 1 + 2 / (parts - 1)))
    return max(1.0, critical_t(level, df) * sqrt((parts - 1) / parts * squares) / half)


def _covariances_without_each(data: Floats) -> Floats:
    """Covariances without each person (beyond 2,000 people: without each of 2,000 random groups of them)."""
    n, questions = data.shape
    group, parts = random_groups(n, np.random.default_rng(0))
    gaps, rest = data - data.mean(axis=0), n - np.bincount(group, minlength=parts)
    gaps /= np.abs(gaps).max()  # the unit of the answers is no matter
    sums = np.stack([np.bincount(group, x, parts) for x in gaps.T], axis=1)
    products = np.stack([np.bincount(group, x * y, parts) for x in gaps.T for y in gaps.T], axis=1)
    centred = gaps.T @ gaps - products.reshape(parts, questions, questions)
    left = centred - sums[:, :, None] * sums[:, None, :] / rest[:, None, None]
    return np.asarray(left / (rest[:, None, None] - 1))
