"""Reliability of a construct: whether its questions measure one thing."""

from dataclasses import dataclass
from math import inf, isfinite, log, sqrt
from typing import Any

import numpy as np
from scipy import special

from recux.stats.arrays import Floats, choice, count, listed, number, share, table_of
from recux.stats.distributions import critical_z
from recux.stats.errors import StatisticsError
from recux.stats.factors import one_factor
from recux.stats.lopsided import WIDENED, widening, widening_of_pair
from recux.stats.moments import moments
from recux.stats.results import Estimate, no_estimate

OMEGA = "one factor by maximum likelihood, delta method on the logit scale"


@dataclass(frozen=True, slots=True)
class Omega:
    """McDonald's omega of one construct."""

    value: float | None
    """Share (0 to 1) of the variance of the sum score that is due to the one factor; None when not estimable."""
    n: int
    """People with an answer to every question."""
    loadings: tuple[float, ...] | None
    """Standardised loading of each question; None when `value` is."""
    reason: str | None = None
    """Why omega is not estimable; None when it is."""
    ci_low: float | None = None
    """Lower end of the interval; None when `value` is."""
    ci_high: float | None = None
    """Upper end of the interval; None when `value` is."""
    method: str = OMEGA
    """How value and interval were found."""


def cronbach_alpha(
    table: Any, *, missing: str = "listwise", level: float = 0.95, skewness: float | None = None
) -> Estimate:
    """Cronbach's alpha (1951) with Feldt's F interval (Feldt, Woodruff and Salih 1987).

    `table` holds people x questions, reverse-keyed questions already reversed, NaN = no answer. `listwise` uses the
    people who answered everything; `pairwise` uses every pair of answers there is. n, and with it the interval,
    counts the people really used: for pairwise the smallest number behind any covariance. Alpha may be negative.
    Where answers crowd at one end of the scale the interval is wider (see recux.stats.lopsided): by the `skewness` of
    people's scores, or without it of the means of those who answered everything.
    """
    data, method = table_of(table), f"Feldt's F interval, {choice(missing, 'missing', ('listwise', 'pairwise'))}"
    if missing == "listwise":
        data = complete_rows(data)
    questions = data.shape[1]
    if questions < 2:
        return no_estimate("alpha needs at least two questions", n=len(data), method=method)
    present = ~np.isnan(data)
    n = int((present.T.astype(np.int64) @ present).min())
    if n < 3:
        return no_estimate(f"{n} people answered together, alpha needs at least 3", n=n, method=method)
    known = _skewness(skewness, complete_rows(data))
    return alpha_of_covariance(pairwise_covariance(data), n, level=level, method=method, skewness=known)


def alpha_of_covariance(
    covariance: Floats,
    n: int,
    *,
    skewness: float,
    level: float = 0.95,
    method: str = "Feldt's F interval, listwise",
) -> Estimate:
    """`cronbach_alpha` from the covariances of the questions among `n` people, and the skewness of their scores."""
    questions, total = len(covariance), float(covariance.sum())
    if questions < 2:
        return no_estimate("alpha needs at least two questions", n=n, method=method)
    if n < 3:
        return no_estimate(f"{n} people answered together, alpha needs at least 3", n=n, method=method)
    if total <= 1e-12 or float(np.diag(covariance).min()) <= 1e-12:
        return no_estimate("a question, or the sum of all, does not vary", n=n, method=method)
    alpha = questions / (questions - 1) * (1 - float(np.trace(covariance)) / total)
    if alpha > 1 + 1e-12:
        return no_estimate("covariances of different people contradict each other", n=n, method=method)
    if alpha > 1 - 1e-9:
        return no_estimate("all questions were answered alike by everybody", n=n, method=method)
    tail, df = (1 - share(level, "level")) / 2, (n - 1, (n - 1) * (questions - 1))
    ratios = (float(special.fdtri(*df, 1 - tail)), float(special.fdtri(*df, tail)))
    wider = widening(skewness, n)
    low, high = (1 - (1 - alpha) * ratio**wider for ratio in ratios)
    return Estimate(alpha, low, high, n, _method(method, wider))


def _skewness(given: float | None, data: Floats) -> float:
    """Skewness of people's scores: the given one, or that of the means of these complete rows."""
    if given is None:
        return moments(data.mean(axis=1)).skewness
    if not isfinite(number(given, "skewness")):
        raise StatisticsError(f"skewness is {given}, must be finite")
    return float(given)


def _method(name: str, wider: float) -> str:
    return name + (WIDENED if wider > 1 else "")


def mcdonald_omega(table: Any, *, level: float = 0.95, skewness: float | None = None) -> Omega:
    """McDonald's omega total (1999) of the sum score from a one-factor model fitted by maximum likelihood.

    (sum of loadings)^2 over that plus the unique variances, in the questions' own units. The interval comes from the
    information matrix of the model by the delta method (Raykov 2002), on the logit scale, and is as much wider than
    for normal answers as that of alpha (see recux.stats.lopsided). People with a missing answer are left out. Not
    estimable with fewer than three questions, too few people, or a question without any variance of its own (a
    Heywood case): the one-factor model does not hold then.
    """
    data = complete_rows(table_of(table))
    n = len(data)
    if n == 0:
        return Omega(None, 0, None, "nobody answered every question")
    covariance = np.atleast_2d(np.cov(data, rowvar=False)) if n > 1 else np.zeros((data.shape[1],) * 2)
    covariance[:, np.ptp(data, axis=0) == 0] = 0.0
    known = _skewness(skewness, data)
    return omega_of_covariance(covariance, n, level=level, skewness=known)


def omega_of_covariance(covariance: Floats, n: int, *, skewness: float, level: float = 0.95) -> Omega:
    """`mcdonald_omega` from the covariances of the questions among `n` people, and the skewness of their scores."""
    questions = len(covariance)
    if questions < 3:
        return Omega(None, n, None, "one factor needs at least three questions")
    if n <= questions:
        return Omega(None, n, None, f"{n} complete answers are too few for {questions} questions")
    spreads = np.sqrt(np.diag(covariance))
    if spreads.min() <= 1e-6:
        return Omega(None, n, None, "a question does not vary")
    fit = one_factor(covariance / np.outer(spreads, spreads))
    if fit.reason is not None:
        return Omega(None, n, None, fit.reason)
    loadings, unique = spreads * fit.loadings, spreads**2 * fit.uniquenesses
    value = float(loadings.sum() ** 2 / (loadings.sum() ** 2 + unique.sum()))
    error = _logit_error(loadings, unique, n)
    if error is None:
        return Omega(None, n, None, "the answers say too little of the one factor for an interval")
    wider = widening(skewness, n)
    half = wider * critical_z(level) * error
    logit = log(value / (1 - value))
    low, high = (float(special.expit(end)) for end in (logit - half, logit + half))
    standardised = tuple(float(x) for x in fit.loadings)
    return Omega(value, n, standardised, None, low, high, _method(OMEGA, wider))


def _logit_error(loadings: Floats, unique: Floats, n: int) -> float | None:
    """Standard error of log(omega / (1 - omega)) = 2 log(sum of loadings) - log(sum of unique variances).

    None where rounding leaves nothing of the information, as with questions that have next to no variance of their own.
    """
    size = len(loadings)
    inverse = np.linalg.inv(np.outer(loadings, loadings) + np.diag(unique))
    slopes = np.zeros((2 * size, size, size))  # of the implied covariances by each loading and unique variance
    for i in range(size):
        slopes[i, i], slopes[size + i, i, i] = loadings, 1.0
        slopes[i] += slopes[i].T.copy()
    weighted = inverse @ slopes
    information = (n - 1) / 2 * np.einsum("aij,bji->ab", weighted, weighted)
    gradient = np.concatenate([np.full(size, 2 / loadings.sum()), np.full(size, -1 / unique.sum())])
    try:
        square = float(gradient @ np.linalg.solve(information, gradient))
    except np.linalg.LinAlgError:
        return None
    return sqrt(square) if 0 < square < inf else None


def item_rest_correlations(table: Any, *, level: float = 0.95) -> tuple[Estimate, ...]:
    """Correlation of each question with the sum of the others (corrected item-total), with Fisher's z interval, which
    is wider where answers crowd at one end of the scale (see recux.stats.lopsided).

    Low or negative values point at a question that measures something else or was not reversed. Complete rows only.
    """
    data, method = complete_rows(table_of(table)), "Fisher's z interval"
    total = data.sum(axis=1)
    return tuple(_correlation(column, total - column, level, method) for column in data.T)


def reverse_keyed(table: Any, questions: list[int], *, low: float, high: float) -> Floats:
    """Copy of `table` with the columns of these numbers reversed on their scale: low + high - answer.

    Raises StatisticsError for a column that is not there and an answer in it off the scale.
    """
    data = table_of(table).copy()
    chosen = [count(one, f"questions[{i}]") for i, one in enumerate(listed(questions, "questions"))]
    if any(one >= data.shape[1] for one in chosen):
        raise StatisticsError(f"questions must be columns 0 to {data.shape[1] - 1} of the table")
    turned = data[:, chosen]
    if (turned < number(low, "low")).any() or (turned > number(high, "high")).any():  # NaN is neither
        raise StatisticsError(f"an answer to reverse is not on the scale from {low:g} to {high:g}")
    data[:, chosen] = low + high - turned
    return data


def complete_rows(data: Floats) -> Floats:
    """The rows without a missing answer."""
    return data[~np.isnan(data).any(axis=1)]


def pairwise_covariance(data: Floats) -> Floats:
    """Covariances (n - 1), each from the rows where both columns are present."""
    masked = np.ma.masked_invalid(data)
    if not masked.mask.any():
        return np.cov(data, rowvar=False)
    size = data.shape[1]
    covariance = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            both = ~np.isnan(data[:, i]) & ~np.isnan(data[:, j])
            covariance[i, j] = covariance[j, i] = np.cov(data[both, i], data[both, j])[0, 1]
    return covariance


def _correlation(x: Floats, y: Floats, level: float, method: str) -> Estimate:
    n = len(x)
    if n < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return no_estimate("fewer than four people" if n < 4 else "a question does not vary", n=n, method=method)
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1 + 1e-12, 1 - 1e-12))
    wider = widening_of_pair(x, y, 1.0 if r >= 0 else -1.0)
    half = wider * critical_z(level) / (n - 3) ** 0.5
    low, high = (float(np.tanh(np.arctanh(r) + sign * half)) for sign in (-1, 1))
    return Estimate(r, low, high, n, _method(method, wider))
