"""Factor models of questionnaires by maximum likelihood."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from recux.stats.arrays import Floats

SMALLEST_UNIQUE = 0.005  # of a standardised question's variance, as in R's factanal


@dataclass(frozen=True, slots=True)
class OneFactor:
    """A one-factor model of a correlation matrix."""

    loadings: Floats
    """Standardised loadings, shape (questions,), signed so that their sum is positive."""
    uniquenesses: Floats
    """Unique share of each question's variance, shape (questions,)."""
    reason: str | None
    """Why the solution must not be used; None when it may."""


def one_factor(correlation: Floats) -> OneFactor:
    """Maximum-likelihood one-factor model (Joreskog 1967), the loadings profiled out as in R's factanal."""
    size = len(correlation)
    if np.linalg.eigvalsh(correlation)[0] < 1e-9:
        return OneFactor(np.zeros(size), np.ones(size), "some questions are exact combinations of others")
    start = np.clip((1 - 0.5 / size) / np.diag(np.linalg.inv(correlation)), SMALLEST_UNIQUE, 1.0)
    found = optimize.minimize(
        _profile,
        start,
        args=(correlation,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(SMALLEST_UNIQUE, 1.0)] * size,
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 2000},
    )
    loadings = _loadings(found.x, correlation)
    reason = None
    if found.x.min() <= SMALLEST_UNIQUE * 1.001:
        reason = "a question has no variance of its own (Heywood case): one factor does not fit"
    return OneFactor(loadings, np.asarray(found.x), reason)


def _loadings(unique: Floats, correlation: Floats) -> Floats:
    scale = 1 / np.sqrt(unique)
    values, vectors = np.linalg.eigh(correlation * np.outer(scale, scale))
    loadings = np.sqrt(max(values[-1] - 1, 0.0)) * vectors[:, -1] / scale
    return np.asarray(loadings if loadings.sum() >= 0 else -loadings)


def _profile(unique: Floats, correlation: Floats) -> tuple[float, Floats]:
    """Discrepancy at the best loadings for these unique variances, and its gradient."""
    scale = 1 / np.sqrt(unique)
    rest = np.linalg.eigvalsh(correlation * np.outer(scale, scale))[:-1]
    loadings = _loadings(unique, correlation)
    implied = np.outer(loadings, loadings) + np.diag(unique)
    gradient = np.diag(implied - correlation) / unique**2
    return float((rest - np.log(rest) - 1).sum()), gradient
