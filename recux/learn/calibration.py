"""Probabilities that mean what they say: a temperature and a curve; for the 1..5 heads cuts and conformal sets too."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from recux.learn.curves import Curve, curved, fit_curve
from recux.learn.metrics import TINY, log_loss_rows
from recux.learn.splits import unit_hash

Array = NDArray[np.float64]
COVERAGE = 0.90
MIN_ROWS_FOR_CUTS = 50
"""With fewer rows the predicted star is the median of the probabilities."""
PRIOR_ROWS = 20.0
"""Weight, in rows, of the belief that no temperature is needed; keeps few rows from an extreme one."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a model's raw probabilities into served ones."""

    temperature: dict[str, float] = field(default_factory=dict)
    """By head; above 1 softens."""
    curve: dict[str, Curve] = field(default_factory=dict)
    """By head: what to serve for what is stated after the temperature (see ``curves``)."""
    quantile: dict[str, float] = field(default_factory=dict)
    """By ordinal head: a star belongs to the 90 % set when its probability is at least 1 - quantile."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows each was fitted on."""
    cuts: dict[str, list[float]] = field(default_factory=dict)
    """By ordinal head: the four expected stars at which the predicted star rises (see ``star_cuts``)."""

    def served(self, head: str, raw: Array) -> Array:
        """Raw probabilities of ``head`` as they are served; the shape stays."""
        return curved(tempered(raw, self.temperature.get(head, 1.0)), self.curve.get(head, []))

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


def multiplied(p: Array, q: Array, weight: float, usual: Sequence[float] = ()) -> Array:
    """Two opinions as one, normalised; the shape stays.

    ``p`` times, to the power ``weight``, ``q`` divided by the shares of the classes that ``q`` starts from (``usual``;
    none: as it is). Undivided, how often each class occurs would count twice.
    """
    logs = np.log(np.clip(classes_of(p), TINY, 1)) + weight * np.log(np.clip(classes_of(q), TINY, 1))
    if usual:
        logs -= weight * np.log(np.clip(np.array(usual), TINY, 1))
    out = np.exp(logs - logs.max(1, keepdims=True))
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
    """Calibrated probabilities where each half of the participants uses temperature and curve of the other half.

    So measures after calibration are of people that it has not seen.
    """
    half = halves(participants)
    out = np.array(p, dtype=float)
    for side in (half, ~half):
        if side.any():
            temperature, curve = fit(p[~side], classes[~side])
            out[side] = curved(tempered(p[side], temperature), curve)
    return out


def fit(p: Array, classes: NDArray[np.int64]) -> tuple[float, Curve]:
    """The temperature, and the curve after it."""
    temperature = fit_temperature(p, classes)
    return temperature, fit_curve(tempered(p, temperature), classes)


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


def cross_covered(p: Array, classes: NDArray[np.int64], participants: list[str]) -> Array:
    """1 where the set of a row held its class, with quantiles cross-fitted over halves of the participants."""
    half = halves(participants)
    out = np.zeros(len(classes))
    for side in (half, ~half):
        if side.any():
            out[side] = covered(p[side], classes[side], conformal_quantile(p[~side], classes[~side]))
    return out


def covered(p: Array, classes: NDArray[np.int64], quantile: float) -> Array:
    """1 where the set of a row held its class."""
    return np.array([c + 1 in s for c, s in zip(classes, conformal_sets(p, quantile), strict=True)], dtype=float)


def predicted_stars(p: Array, cuts: Sequence[float] | None = None) -> NDArray[np.int64]:
    """One star a row, (n, 5) -> (n,): where the expected star lies among ``cuts``; without them the median star."""
    if not cuts:
        return np.asarray((p.cumsum(1)[:, :4] < 0.5).sum(1) + 1, dtype=np.int64)
    return np.asarray(np.searchsorted(cuts, expected_stars(p)) + 1, dtype=np.int64)


def star_cuts(p: Array) -> list[float]:
    """The expected stars (4,) that call each star as often among these rows as their probabilities say it occurs.

    The median calls the common star too often: called so, extremes are found about as often as there are any, which
    raises the kappa and leaves the mean error where it is. No labels are needed. Empty when there are too few rows.
    """
    if len(p) < MIN_ROWS_FOR_CUTS:
        return []
    share = np.clip(p.mean(0).cumsum()[:4], 0, 1)
    return [float(cut) for cut in np.quantile(expected_stars(p), share)]


def cross_called(p: Array, participants: Sequence[str]) -> NDArray[np.int64]:
    """Predicted stars, (n, 5) -> (n,), where each half of the participants is called by the cuts of the other half."""
    half = halves(participants)
    out = predicted_stars(p)
    for side in (half, ~half):
        out[side] = predicted_stars(p[side], star_cuts(p[~side]))
    return out


def halves(participants: Sequence[str]) -> NDArray[np.bool_]:
    """A fixed half of the participants."""
    return np.array([unit_hash(person, "calibration") < 0.5 for person in participants], dtype=bool)


def expected_stars(p: Array) -> Array:
    """The mean star, (n, 5) -> (n,)."""
    return np.asarray(p @ np.arange(1, 6))
