"""Populations with known truth, from which pilots are drawn."""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shape = tuple[float, ...]

SIZES = [(n, m * n) for n, m in product((20, 50, 100, 200), (1, 3))]

# promoters, passives, detractors
NPS = {
    "moderate": (0.4, 0.3, 0.3),
    "good": (0.5, 0.3, 0.2),
    "70 % promoters": (0.7, 0.2, 0.1),
    "80 % promoters": (0.8, 0.15, 0.05),
    "90 % promoters, 3 % detractors": (0.9, 0.07, 0.03),
    "90 % promoters, no detractors": (0.9, 0.1, 0.0),
    "90 % promoters, 8 % detractors": (0.9, 0.02, 0.08),
    "polar": (0.5, 0.0, 0.5),
    "80 % passives": (0.1, 0.8, 0.1),
}

# shares of the ratings 1 to 5
RATINGS = {
    "spread": (0.1, 0.15, 0.25, 0.3, 0.2),
    "high": (0.03, 0.05, 0.12, 0.3, 0.5),
    "80 % fives": (0.02, 0.03, 0.05, 0.1, 0.8),
    "polar": (0.4, 0.05, 0.1, 0.05, 0.4),
}


def ratings(rng: np.random.Generator, shape: Shape, icc: float, size: tuple[int, int, int]) -> Floats:
    """Ratings 1 to 5 with these shares, shape `size` = (pilots, people, ratings a person).

    A normal score with correlation `icc` within a person is cut at the shares' quantiles.
    """
    person = rng.normal(size=(*size[:2], 1)) * np.sqrt(icc)
    score = person + rng.normal(size=size) * np.sqrt(1 - icc)
    cuts = stats.norm.ppf(np.cumsum(shape)[:-1])
    return np.searchsorted(cuts, score).astype(np.float64) + 1


def answers(rng: np.random.Generator, name: str, size: tuple[int, int]) -> Floats:
    """Answers 1 to 5 to four questions of one factor, shape (pilots, people, 4)."""
    loadings = np.array([0.8, 0.7, 0.6, 0.75])
    noise = rng.normal(size=(*size, 4)) * np.sqrt(1 - loadings**2)
    score = rng.normal(size=(*size, 1)) * loadings + noise
    return np.searchsorted(stats.norm.ppf(np.cumsum(RATINGS[name])[:-1]), score).astype(np.float64) + 1


def mean_rating(shape: Shape) -> float:
    """Mean of the ratings 1 to 5 with these shares."""
    return float(np.dot(shape, np.arange(1, 6)))


def superiority(a: Shape, b: Shape) -> float:
    """P(b > a) + P(b = a) / 2 of ratings with these shares."""
    below = np.cumsum(a) - np.array(a)
    return float(np.dot(b, below + np.array(a) / 2))


def durations(rng: np.random.Generator, scale: float, spread: float, size: tuple[int, int, int]) -> Floats:
    """Log-normal durations in ms around `scale`; `spread` is the log standard deviation between people, noise is .5."""
    person = rng.normal(size=(*size[:2], 1)) * spread
    return np.asarray(scale * np.exp(person + 0.5 * rng.normal(size=size)))


def duration_quantile(scale: float, spread: float, q: float) -> float:
    """True quantile of those durations."""
    return float(scale * np.exp(np.hypot(spread, 0.5) * stats.norm.ppf(q)))
