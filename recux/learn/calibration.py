"""Probabilities that mean what they say: one temperature a head, and conformal sets for the 1..5 heads."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from recux.learn.metrics import TINY, log_loss_rows
from recux.learn.splits import unit_hash

Array = NDArray[np.float64]
COVERAGE = 0.90
PRIOR_ROWS = 20.0
"""Weight, in rows, of the belief that no temperature is needed; keeps few rows from an extreme one."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a model's raw probabilities into served ones."""

    temperature: dict[str, float] = field(default_factory=dict)
    """By head; above 1 softens."""
    quantile: dict[str, float] = field(default_factory=dict)
    """By ordinal head: a star belongs to the 90 % set when its probability is at least 1 - quantile."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows each was fitted on."""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def classes_of(p: Array) -> Array:
    """P(yes) (n,) as (n, 2); probabilities of classes (n, k) as they are."""
    return np.stack([1 - p, p], 1) if p.ndim == 1 else p


def tempered(p: Array, temperature: float) -> Array:
    """Probabilities raised to 1 / temperature and normalised; the shape stays."""
    logs = np.log(np.clip(classes_of(p), TINY, 1)) / temperature
    logs -= logs.max(1, keepdims=True)
    out = np.exp(logs)
    out /= out.sum(1, keepdims=True)
    return np.asarray(out[:, 1] if p.ndim == 1 else out)


def fit_temperature(p: Array, classes: NDArray[np.int64]) -> float:
    """The temperature with the lowest log-loss (Guo et al. 2017), drawn towards 1 when rows are few."""
    if len(classes) == 0:
        return 1.0

    def cost(log_t: float) -> float:
        loss = log_loss_rows(classes_of(tempered(p, float(np.exp(log_t)))), classes).sum()
        return float(loss + PRIOR_ROWS * log_t**2 / 2)

    return float(np.exp(minimize_scalar(cost, bounds=(-2.5, 2.5), method="bounded").x))


def cross_fitted(p: Array, classes: NDArray[np.int64], participants: list[str]) -> Array:
    """Tempered probabilities where each half of the participants uses the temperature of the other half.

    So measures after temperature are of people that the temperature has not seen.
    """
    half = np.array([unit_hash(person, "calibration") < 0.5 for person in participants], dtype=bool)
    out = np.array(p, dtype=float)
    for side in (half, ~half):
        if side.any():
            out[side] = tempered(p[side], fit_temperature(p[~side], classes[~side]))
    return out


def conformal_quantile(p: Array, classes: NDArray[np.int64], coverage: float = COVERAGE) -> float:
    """The quantile of 1 - P(true class) that covers at least ``coverage`` of new rows (split conformal).

    1 when rows are too few to promise that: then every star is in the set.
    """
    n = len(classes)
    rank = int(np.ceil((n + 1) * coverage))
    if rank > n:
        return 1.0
    scores = 1 - p[np.arange(n), classes]
    return float(np.partition(scores, rank - 1)[rank - 1])


def conformal_sets(p: Array, quantile: float) -> list[list[int]]:
    """The stars in each row's set; never empty, since the likeliest star always belongs."""
    inside = (1 - p <= quantile) | (p == p.max(1, keepdims=True))
    return [[int(k) + 1 for k in np.flatnonzero(row)] for row in inside]


def covered(p: Array, classes: NDArray[np.int64], participants: list[str]) -> Array:
    """1 where the set of a row held its class, with quantiles cross-fitted over halves of the participants."""
    half = np.array([unit_hash(person, "calibration") < 0.5 for person in participants], dtype=bool)
    out = np.zeros(len(classes))
    for side in (half, ~half):
        sets = conformal_sets(p[side], conformal_quantile(p[~side], classes[~side])) if side.any() else []
        out[side] = [c + 1 in s for c, s in zip(classes[side], sets, strict=True)]
    return out


def predicted_stars(p: Array) -> NDArray[np.int64]:
    """The median star, (n, 5) -> (n,): the least expected absolute error, and hardly moved by the temperature."""
    return np.asarray((p.cumsum(1)[:, :4] < 0.5).sum(1) + 1, dtype=np.int64)


def expected_stars(p: Array) -> Array:
    """The mean star, (n, 5) -> (n,)."""
    return np.asarray(p @ np.arange(1, 6))
