"""Ordinal regression of repeated ratings: the odds of a higher rating in b against a."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, isfinite
from typing import Any

import numpy as np

from recux.stats.arrays import Floats, cluster_codes, numbers
from recux.stats.distributions import critical_t, two_sided_t

METHOD = "ordinal GEE, independence, bias-reduced covariance"
FEWEST = 10  # participants an arm; the sandwich is unreliable below


@dataclass(frozen=True, slots=True)
class OddsRatio:
    """A comparison of two groups on an ordered scale by cumulative odds."""

    odds_ratio: float | None
    """Odds of a rating above any cut in b over those in a; 1 = no difference; None when not estimable."""
    ci_low: float | None
    """Lower end of the interval; None when `odds_ratio` is."""
    ci_high: float | None
    """Upper end of the interval; None when `odds_ratio` is."""
    p: float | None
    """Two-sided p-value of odds ratio 1; None when `odds_ratio` is."""
    n_a: int
    """Participants in a."""
    n_b: int
    """Participants in b."""
    method: str
    """Name of the method."""
    reason: str | None = None
    """Why the comparison is not estimable; None when it is."""


def compare_ordinal_clustered(
    a: Iterable[float], b: Iterable[float], *, clusters_a: Iterable[Any], clusters_b: Iterable[Any], level: float = 0.95
) -> OddsRatio:
    """Cumulative odds ratio of repeated ordinal ratings, b against a (proportional odds).

    Generalised estimating equations (Heagerty and Zeger 1996) with Mancl and DeRouen's (2001) bias-reduced covariance
    and t quantiles on participants - 2. Not estimable with fewer than 10 participants an arm or where a cut of the
    scale separates the arms. Raises StatisticsError for values that are not finite and missing clusters.
    """
    values_a, values_b = numbers(a, "a"), numbers(b, "b")
    codes_a, n_a = cluster_codes(clusters_a, len(values_a), "clusters_a")
    codes_b, n_b = cluster_codes(clusters_b, len(values_b), "clusters_b")
    reason = _why_not(values_a, values_b, min(n_a, n_b))
    if reason is not None:
        return OddsRatio(None, None, None, None, n_a, n_b, METHOD, reason)
    arm = np.repeat([0.0, 1.0], [len(values_a), len(values_b)])
    log_odds, se = _fit(np.concatenate([values_a, values_b]), arm, np.concatenate([codes_a, codes_b + n_a]))
    if not (isfinite(log_odds) and isfinite(se) and se > 0):
        return OddsRatio(None, None, None, None, n_a, n_b, METHOD, "the regression did not converge")
    df = n_a + n_b - 2
    half = critical_t(level, df) * se
    p = two_sided_t(log_odds / se, df)
    return OddsRatio(exp(log_odds), exp(log_odds - half), exp(log_odds + half), p, n_a, n_b, METHOD)


def _why_not(a: Floats, b: Floats, fewest: int) -> str | None:
    if fewest < FEWEST:
        return f"an arm has {fewest} participants, the regression needs {FEWEST}"
    levels = np.unique(np.concatenate([a, b]))
    if len(levels) < 2:
        return "all ratings are equal"
    low, high = (a, b) if a.max() <= b.min() else (b, a)
    return "the arms do not overlap on the scale" if low.max() <= high.min() else None


def _fit(values: Floats, arm: Floats, groups: Floats) -> tuple[float, float]:
    """Log odds ratio and its standard error; NaN where the fit breaks down."""
    from statsmodels.genmod.generalized_estimating_equations import OrdinalGEE

    _, ranks = np.unique(values, return_inverse=True)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a poor fit shows in the numbers, which the caller checks
        try:
            fit = OrdinalGEE(ranks.astype(np.float64), arm[:, None], groups).fit(cov_type="bias_reduced")
        except (np.linalg.LinAlgError, ValueError):
            return float("nan"), float("nan")
    return float(np.asarray(fit.params)[-1]), float(np.asarray(fit.bse)[-1])
