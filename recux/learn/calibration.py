"""Probabilities that mean what they say: a scale and a curve; for the 1..5 heads cuts and conformal sets too."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.curves import Curve, curved, fit_curve
from recux.learn.metrics import TINY
from recux.learn.scaling import Scale, fit_scale, logs, normalised, scaled
from recux.learn.splits import unit_hash

Array = NDArray[np.float64]
COVERAGE = 0.90
MIN_ROWS_FOR_CUTS = 50
"""With fewer rows the predicted star is the median of the probabilities."""
MOST_TURNS = 20
STARS = np.arange(1, 6)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a model's raw probabilities into served ones."""

    temperature: dict[str, float] = field(default_factory=dict)
    """By head; above 1 softens."""
    slope: dict[str, list[float]] = field(default_factory=dict)
    """By head and class (see ``Scale``)."""
    shift: dict[str, list[float]] = field(default_factory=dict)
    """By head and class (see ``Scale``)."""
    curve: dict[str, Curve] = field(default_factory=dict)
    """By head: what to serve for what is stated after the scale (see ``curves``)."""
    quantile: dict[str, float] = field(default_factory=dict)
    """By ordinal head: the stars of the 90 % set are at most this odd (see ``oddness``)."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows each was fitted on."""
    cuts: dict[str, list[float]] = field(default_factory=dict)
    """By ordinal head: the four expected stars at which the predicted star rises (see ``star_cuts``)."""
    rate: dict[str, float] = field(default_factory=dict)
    """By head that the model lacks: the base rate that stands in for its raw probability."""

    def served(self, head: str, raw: Array) -> Array:
        """Raw probabilities of ``head`` as they are served; the shape stays."""
        scale = Scale(self.temperature.get(head, 1.0), self.slope.get(head, ()), self.shift.get(head, ()))
        return curved(scaled(raw, scale), self.curve.get(head, []))

    def joined(self, more: "Calibration") -> "Calibration":
        """With the heads of ``more``, whose word counts for a head of both."""
        old, new = self.to_dict(), more.to_dict()
        return Calibration(**{name: old[name] | new[name] for name in new})

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


Halves = tuple[Calibration, Calibration]
"""What those in ``halves`` are measured with, and the others."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says of the rows of one head."""

    p: Array
    """Calibrated probabilities, (n, 5) of stars or (n,) of yes."""
    raw: Array
    """What AUC ranks by; the same shape."""
    called: NDArray[np.int64]
    """Predicted stars, or 0 and 1."""
    inside: Array | None = None
    """1 where the 90 % set held the star; None for yes or no."""


def multiplied(p: Array, q: Array, weight: float, usual: Sequence[float] = ()) -> Array:
    """Two opinions as one, normalised; the shape stays.

    ``p`` times, to the power ``weight``, ``q`` divided by the shares of the classes that ``q`` starts from (``usual``;
    none: as it is). Undivided, how often each class occurs would count twice.
    """
    scores = logs(p) + weight * logs(q)
    if usual:
        scores -= weight * logs(np.array([usual]))
    return normalised(scores, p.ndim)


def taught(head: str, raw: Array, classes: NDArray[np.int64]) -> Calibration:
    """What these rows of one head teach, for serving; ``classes`` count from 0."""
    known = stretched(head, raw, classes)
    return known if raw.ndim == 1 else with_stars(known, head, known.served(head, raw), classes)


def crossed(head: str, raw: Array, classes: NDArray[np.int64], participants: Sequence[str]) -> Halves:
    """What each half of the participants is measured with: taught by the other half, so by people it has not seen."""
    half = halves(participants)
    first, second = stretched(head, raw[~half], classes[~half]), stretched(head, raw[half], classes[half])
    if raw.ndim == 1:
        return first, second
    p, q = second.served(head, raw[~half]), first.served(head, raw[half])  # of the teachers, as others taught them
    return with_stars(first, head, p, classes[~half]), with_stars(second, head, q, classes[half])


def stretched(head: str, raw: Array, classes: NDArray[np.int64]) -> Calibration:
    """Scale and curve alone."""
    scale, curve = fit(raw, classes)
    return Calibration(
        {head: scale.temperature},
        {head: list(scale.slope)},
        {head: list(scale.shift)},
        {head: curve},
        rows={head: len(classes)},
    )


def with_stars(known: Calibration, head: str, p: Array, classes: NDArray[np.int64]) -> Calibration:
    """With the cuts and the conformal quantile that calibrated probabilities (n, 5) teach."""
    cuts = star_cuts(p)
    quantile = conformal_quantile(p, classes, predicted_stars(p, cuts))
    return replace(known, cuts={head: cuts}, quantile={head: quantile})


def said_of(head: str, raw: Array, classes: NDArray[np.int64], participants: Sequence[str], known: Halves) -> Said:
    """What a model says of rows: calibrated, called and enclosed for each half of the participants by its own part."""
    half = halves(participants)
    p, called, inside = np.array(raw, dtype=float), np.zeros(len(raw), dtype=np.int64), np.zeros(len(raw))
    for side, one in zip((half, ~half), known, strict=True):
        p[side] = one.served(head, raw[side])
        if raw.ndim > 1:
            called[side] = predicted_stars(p[side], one.cuts.get(head))
            inside[side] = covered(p[side], classes[side], one.quantile.get(head, 1.0), called[side])
    return Said(p, raw, called, inside) if raw.ndim > 1 else Said(p, raw, (p >= 0.5).astype(np.int64))


def fit(p: Array, classes: NDArray[np.int64]) -> tuple[Scale, Curve]:
    """The scale, and the curve after it."""
    scale = fit_scale(p, classes)
    return scale, fit_curve(scaled(p, scale), classes)


def conformal_quantile(
    p: Array, classes: NDArray[np.int64], called: NDArray[np.int64], coverage: float = COVERAGE
) -> float:
    """The quantile of the true classes' ``oddness`` that covers at least ``coverage`` of new rows (split conformal).

    1 when rows are too few to promise that: then every star is in the set.
    """
    n = len(classes)
    rank = int(np.ceil((n + 1) * coverage))
    if rank > n:
        return 1.0
    return float(np.partition(oddness(p, called)[np.arange(n), classes], rank - 1)[rank - 1])


def oddness(p: Array, called: NDArray[np.int64]) -> Array:
    """How unusual each star would be, (n, 5): 1 - P(star), and 0 for the likeliest and the ``called`` one, (n,)."""
    usual = (p == p.max(1, keepdims=True)) | (called[:, None] == STARS)
    return np.where(usual, 0.0, 1 - p)


def conformal_sets(p: Array, quantile: float, called: NDArray[np.int64]) -> list[list[int]]:
    """The stars in each row's set; the likeliest and the ``called`` one always belong."""
    return [[int(k) + 1 for k in np.flatnonzero(row)] for row in oddness(p, called) <= quantile]


def covered(p: Array, classes: NDArray[np.int64], quantile: float, called: NDArray[np.int64]) -> Array:
    """1 where the set of a row held its class."""
    sets = conformal_sets(p, quantile, called)
    return np.array([c + 1 in s for c, s in zip(classes, sets, strict=True)], dtype=float)


def predicted_stars(p: Array, cuts: Sequence[float] | None = None) -> NDArray[np.int64]:
    """One star a row, (n, 5) -> (n,): where the expected star lies among ``cuts``; without them the median star."""
    if not cuts:
        return np.asarray((p.cumsum(1)[:, :4] < 0.5).sum(1) + 1, dtype=np.int64)
    return np.asarray(np.searchsorted(cuts, expected_stars(p)) + 1, dtype=np.int64)


def star_cuts(p: Array) -> list[float]:
    """The expected stars (4,) at which to call one star more, for the highest kappa that the probabilities promise.

    The median hardly ever calls the rarer stars. Each cut in turn goes where the quadratic weighted kappa expected of
    these rows is highest, until none moves. Only the two stars beside the expected one are ever called: a model that
    knows little would else call extremes, which costs its kappa nothing. No labels are needed. Empty when rows are
    too few.
    """
    if len(p) < MIN_ROWS_FOR_CUTS:
        return []
    p = p[np.argsort(expected_stars(p), kind="stable")]
    below, above = np.concatenate([[1.0], expected_stars(p)]), np.concatenate([expected_stars(p), [5.0]])
    ranges = [(np.clip(below, star, star + 1), np.clip(above, star, star + 1)) for star in STARS[:4]]
    places = [np.flatnonzero(low < high) for low, high in ranges]
    apart = np.subtract.outer(STARS, STARS) ** 2
    lost = np.vstack([np.zeros(5), np.cumsum(p @ apart, 0)])
    by_chance = p.mean(0) @ apart
    ends = np.concatenate([[0], np.searchsorted(above[:-1], STARS[:4] + 0.5), [len(p)]])
    for _ in range(MOST_TURNS):
        before = ends.copy()
        for k, tried in enumerate(places, 1):
            ways = np.tile(ends, (len(tried), 1))
            ways[:, k] = tried
            loss = (lost[ways[:, 1:], range(5)] - lost[ways[:, :-1], range(5)]).sum(1)
            chance = np.maximum(np.diff(ways) @ by_chance, TINY)
            lost_share = loss / chance
            if lost_share.min() < lost_share[np.searchsorted(tried, ends[k])] - TINY:
                ends[k] = tried[np.argmin(lost_share)]
        if (ends == before).all():
            break
    return [float(low[end] + high[end]) / 2 for (low, high), end in zip(ranges, ends[1:-1], strict=True)]


def halves(participants: Sequence[str]) -> NDArray[np.bool_]:
    """A fixed half of the participants."""
    return np.array([unit_hash(person, "calibration") < 0.5 for person in participants], dtype=bool)


def expected_stars(p: Array) -> Array:
    """The mean star, (n, 5) -> (n,)."""
    return np.asarray(p @ STARS)
