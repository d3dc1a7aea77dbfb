"""Measures of predicted probabilities, each with an interval that resamples participants.

Every measure is a function of sums over participants, so that all resamples are a few matrix products: a resample is
a vector of how often each participant was drawn. AUC, which is no such sum, uses the same weights on sorted scores.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 1000
MIN_PARTICIPANTS = 5
BLOCK = 20_000_000
"""Numbers that AUC holds at a time."""
BINS = 15
TINY = 1e-12
METHOD = f"percentile bootstrap over participants, {RESAMPLES} resamples"
DEFINITIONS = {
    "log_loss": "mean of -log of the probability given to what happened",
    "accuracy": "share of rows whose predicted class is right",
    "f1_macro": "unweighted mean of the classes' F1",
    "mae": "mean distance of predicted from true stars",
    "qwk": "Cohen's kappa of predicted and true stars, quadratic weights",
    "ece": "expected calibration error of the predicted class, 15 equal bins, after calibration",
}
BINARY_DEFINITIONS = DEFINITIONS | {
    "auc": "probability that a random yes is scored above a random no",
    "brier": "mean squared distance of the probability from 0 or 1",
}
ORDINAL_DEFINITIONS = DEFINITIONS | {
    "auc": "probability that a random row with 4 or 5 stars is scored above a random one with fewer",
    "brier": "squared distance of the five probabilities from the true star, summed, mean of rows",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A value with its 95 % interval, or no value and the reason."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int = 0
    """Rows it was computed from."""
    method: str = METHOD
    reason: str | None = None
    """Why there is no value, or no interval."""
    definition: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows grouped by participant, with the resamples drawn."""

    index: NDArray[np.int64]  # (n,) participant of each row
    draws: Array  # (RESAMPLES + 1, participants); the first row is all ones: the data themselves

    @classmethod
    def of(cls, participants: Sequence[str], seed: int = 0) -> "Groups":
        """Draw the resamples."""
        _, index = np.unique(np.asarray(participants, dtype=object).astype(str), return_inverse=True)
        size = int(index.max()) + 1 if len(index) else 0
        random = np.random.default_rng(seed)
        drawn = random.multinomial(size, np.full(size, 1 / size), RESAMPLES) if size else np.zeros((RESAMPLES, 0))
        return cls(index.astype(np.int64), np.vstack([np.ones(size), drawn]))

    def total(self, values: Array) -> Array:
        """Sums over rows of ``values`` (n, ...) in each resample, (RESAMPLES + 1, ...)."""
        sums = np.zeros((self.draws.shape[1], *values.shape[1:]))
        np.add.at(sums, self.index, values)
        return np.asarray(np.tensordot(self.draws, sums, axes=1))

    def mean(self, values: Array) -> Array:
        """Means over rows in each resample."""
        return self.total(values) / self.total(np.ones(len(values)))


def measure(resampled: Array, n: int, participants: int, definition: str = "") -> Measure:
    """The first entry as the value and the 2.5 and 97.5 percentiles of the others as its interval."""
    value = float(resampled[0])
    if not np.isfinite(value):
        return Measure(None, n=n, reason="not defined on these rows (one class only)", definition=definition)
    if participants < MIN_PARTICIPANTS:
        why = f"no interval from {participants} participants, at least {MIN_PARTICIPANTS} needed"
        return Measure(value, n=n, reason=why, definition=definition)
    defined = resampled[1:][np.isfinite(resampled[1:])]
    low, high = np.percentile(defined, [2.5, 97.5])
    return Measure(value, float(low), float(high), n, definition=definition)


def binary_measures(
    p: Array, y: Array, participants: Sequence[str], *, rank: Array | None = None, seed: int = 0
) -> dict[str, Measure]:
    """``log_loss``, ``auc``, ``f1_macro``, ``accuracy``, ``brier``, ``ece`` of P(yes) against 0/1 labels.

    ``rank`` is what AUC ranks by, where ``p`` was calibrated in parts whose orders do not compare.
    """
    groups = Groups.of(participants, seed)
    called = (p >= 0.5).astype(int)
    confusion = groups.total(one_hot(y.astype(int) * 2 + called, 4)).reshape(-1, 2, 2)
    resampled = {
        "log_loss": groups.mean(log_loss_rows(np.stack([1 - p, p], 1), y.astype(int))),
        "auc": auc(groups, p if rank is None else rank, y),
        "f1_macro": f1_macro(confusion),
        "accuracy": trace_share(confusion),
        "brier": groups.mean((p - y) ** 2),
        "ece": calibration_error(groups, np.maximum(p, 1 - p), (called == y).astype(float)),
    }
    people = groups.draws.shape[1]
    return {k: measure(v, len(y), people, BINARY_DEFINITIONS[k]) for k, v in resampled.items()}


def ordinal_measures(
    p: Array,
    y: Array,
    participants: Sequence[str],
    called: NDArray[np.int64],
    *,
    rank: Array | None = None,
    seed: int = 0,
) -> dict[str, Measure]:
    """``log_loss``, ``accuracy``, ``f1_macro``, ``mae``, ``qwk``, ``brier``, ``ece``, ``auc`` of P(1..5).

    ``y`` is 1..5, as are the predicted stars, ``called``. MAE is of the predicted star. Brier is the sum of squared
    errors over the five classes. AUC is that of P(y >= 4) against y >= 4, from ``rank`` (n, 5) where it is given.
    """
    groups = Groups.of(participants, seed)
    stars = y.astype(int)
    confusion = groups.total(one_hot((stars - 1) * 5 + called - 1, 25)).reshape(-1, 5, 5)
    resampled = {
        "log_loss": groups.mean(log_loss_rows(p, stars - 1)),
        "accuracy": trace_share(confusion),
        "f1_macro": f1_macro(confusion),
        "mae": groups.mean(np.abs(called - stars).astype(float)),
        "qwk": quadratic_kappa(confusion),
        "brier": groups.mean(((p - one_hot(stars - 1, 5)) ** 2).sum(1)),
        "ece": calibration_error(groups, p.max(1), (p.argmax(1) + 1 == stars).astype(float)),
        "auc": auc(groups, (p if rank is None else rank)[:, 3:].sum(1), (stars >= 4).astype(float)),
    }
    people = groups.draws.shape[1]
    return {k: measure(v, len(y), people, ORDINAL_DEFINITIONS[k]) for k, v in resampled.items()}


def one_hot(classes: NDArray[np.int64], size: int) -> Array:
    """(n,) class numbers as (n, size) indicators."""
    return np.asarray(np.eye(size)[classes], dtype=float)


def log_loss_rows(p: Array, classes: NDArray[np.int64]) -> Array:
    """-log of the probability that each row gave to its class."""
    return np.asarray(-np.log(np.clip(p[np.arange(len(p)), classes], TINY, 1)))


def trace_share(confusion: Array) -> Array:
    """Accuracy from confusion matrices (R, k, k)."""
    return np.asarray(np.trace(confusion, axis1=1, axis2=2) / confusion.sum((1, 2)))


def f1_macro(confusion: Array) -> Array:
    """Unweighted mean of the classes' F1, over the classes that occur as label or prediction."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    size = confusion.sum(1) + confusion.sum(2)
    f1 = np.where(size > 0, 2 * hits / np.maximum(size, TINY), np.nan)
    return np.asarray(np.nanmean(f1, axis=1))


def quadratic_kappa(confusion: Array) -> Array:
    """Cohen's kappa with quadratic weights; NaN when labels and predictions are all one class."""
    k = confusion.shape[1]
    weights = (np.arange(k)[:, None] - np.arange(k)) ** 2
    n = confusion.sum((1, 2))
    expected = confusion.sum(2)[:, :, None] * confusion.sum(1)[:, None, :] / n[:, None, None]
    chance = (weights * expected).sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - np.where(chance > 0, (weights * confusion).sum((1, 2)) / chance, np.nan))


def auc(groups: Groups, scores: Array, y: Array) -> Array:
    """P(a random positive scores above a random negative), ties half; NaN without both classes."""
    order = np.argsort(scores, kind="stable")
    _, first = np.unique(scores[order], return_index=True)
    size = max(1, BLOCK // max(1, len(y)))
    blocks = [groups.draws[at : at + size] for at in range(0, len(groups.draws), size)]
    return np.concatenate([auc_block(draws[:, groups.index[order]], y[order], first) for draws in blocks])


def auc_block(weights: Array, y: Array, first: NDArray[np.int64]) -> Array:
    """AUC of rows in the order of their scores, for each row of ``weights`` (R, n); ``first`` starts each tie."""
    positive = np.add.reduceat(weights * y, first, axis=1)
    negative = np.add.reduceat(weights * (1 - y), first, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(1) * negative.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(pairs > 0, (positive * below).sum(1) / pairs, np.nan))


def calibration_error(groups: Groups, confidence: Array, correct: Array) -> Array:
    """Expected calibration error of the predicted class: 15 equal-width bins of its probability."""
    bins = one_hot(np.minimum((confidence * BINS).astype(int), BINS - 1), BINS)
    gap = groups.total(bins * (confidence - correct)[:, None])
    return np.asarray(np.abs(gap).sum(1) / groups.total(np.ones(len(confidence))))
