"""Confirmatory factor analysis: whether the questions group as the questionnaire says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np
from scipy import optimize, stats

from recux.stats.arrays import Floats, Ints, count, listed, table_of
from recux.stats.errors import StatisticsError
from recux.stats.reliability import complete_rows

ROWS_PER_QUESTION = 5
SMALLEST_UNIQUE = 1e-4


@dataclass(frozen=True, slots=True)
class FactorModel:
    """Fit of a model in which every question belongs to one construct and the constructs may correlate."""

    chi_square: float | None
    """Likelihood-ratio statistic against the unrestricted covariances; None when not estimable."""
    df: int | None
    """Its degrees of freedom; None when not estimable."""
    p: float | None
    """p-value of exact fit; None when not estimable."""
    cfi: float | None
    """Comparative fit index, 0 to 1; by custom .95 is good."""
    tli: float | None
    """Tucker-Lewis index, about 0 to 1; by custom .95 is good."""
    rmsea: float | None
    """Root mean square error of approximation, 0 = perfect; by custom .06 is good."""
    rmsea_low: float | None
    """Lower end of its 90 % interval."""
    rmsea_high: float | None
    """Upper end of its 90 % interval."""
    srmr: float | None
    """Standardised root mean square residual, 0 = perfect; by custom .08 is good."""
    loadings: tuple[float, ...] | None
    """Standardised loading of each question in the order of the model."""
    correlations: tuple[tuple[str, str, float], ...] | None
    """Correlation of each pair of constructs."""
    n: int
    """People with all answers."""
    reason: str | None = None
    """Why the model is not estimable; None when it is."""


def confirm_factors(table: Any, constructs: Mapping[str, Sequence[int]]) -> FactorModel:
    """Fit a simple-structure factor model by maximum likelihood (Joreskog 1969) and report the usual indices.

    `table` holds people x questions, already reversed; `constructs` names the columns of each construct, at least
    three for a single construct, two otherwise. People with a missing answer are left out. Answers are taken as
    continuous. Not estimable with fewer than 5 people a question, or where the solution is improper (a unique
    variance of 0 or constructs that coincide). Raises StatisticsError for a column named twice or not there.
    """
    data = table_of(table)
    if not isinstance(constructs, Mapping):
        raise StatisticsError("constructs must be a mapping of names to columns")
    columns = [count(c, f"{name}'s column") for name, chosen in constructs.items() for c in listed(chosen, name)]
    if len(set(columns)) != len(columns) or any(c >= data.shape[1] for c in columns):
        raise StatisticsError("constructs must name existing columns of the table, each once")
    fewest = 3 if len(constructs) == 1 else 2
    if not constructs or min(len(chosen) for chosen in constructs.values()) < fewest:
        raise StatisticsError(f"every construct needs at least {fewest} questions")
    data = complete_rows(data[:, columns])
    if len(data) < ROWS_PER_QUESTION * len(columns):
        return _none(len(data), f"{len(data)} people are too few for {len(columns)} questions")
    if (np.ptp(data, axis=0) == 0).any():
        return _none(len(data), "a question does not vary")
    return fit_correlation(np.asarray(np.corrcoef(data, rowvar=False)), len(data), constructs)


def fit_correlation(correlation: Floats, n: int, constructs: Mapping[str, Sequence[int]]) -> FactorModel:
    """The same from a correlation matrix whose questions stand in the order of the constructs."""
    belongs = np.repeat(np.arange(len(constructs)), [len(chosen) for chosen in constructs.values()]).astype(np.int64)
    if np.linalg.eigvalsh(correlation)[0] < 1e-9:
        return _none(n, "some questions are exact combinations of others")
    size, pairs = len(belongs), list(combinations(range(len(constructs)), 2))
    start = np.concatenate([np.full(size, 0.7), np.full(size, 0.5), np.full(len(pairs), 0.3)])
    bounds = [(-1.5, 1.5)] * size + [(SMALLEST_UNIQUE, 1.5)] * size + [(-0.9999, 0.9999)] * len(pairs)
    found = optimize.minimize(
        _discrepancy,
        start,
        (correlation, belongs, pairs),
        "L-BFGS-B",
        True,
        bounds=bounds,
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-8},
    )
    unique, between = found.x[size : 2 * size], found.x[2 * size :]
    if unique.min() <= 1.01 * SMALLEST_UNIQUE or (np.abs(between) > 0.999).any():
        return _none(n, "improper solution: a unique variance of 0, or constructs that coincide")
    loadings, _, factors = _unpack(found.x, belongs, pairs)
    residual = (correlation - loadings @ factors @ loadings.T - np.diag(unique))[np.tril_indices(size)]
    names, df = list(constructs), size * (size + 1) // 2 - len(start)
    independent = -n * float(np.linalg.slogdet(correlation)[1]), size * (size - 1) // 2
    return FactorModel(
        **_indices((n * float(found.fun), df), independent, n),
        df=df,
        srmr=float(np.sqrt((residual**2).mean())),
        loadings=tuple(float(x) for x in found.x[:size]),
        correlations=tuple((names[i], names[j], float(r)) for (i, j), r in zip(pairs, between, strict=True)),
        n=n,
    )


def _discrepancy(x: Floats, correlation: Floats, belongs: Ints, pairs: list[tuple[int, int]]) -> tuple[float, Floats]:
    """Maximum-likelihood discrepancy log|Sigma| + tr(S Sigma^-1) - log|S| - p, and its gradient."""
    loadings, unique, factors = _unpack(x, belongs, pairs)
    implied = loadings @ factors @ loadings.T + np.diag(unique)
    sign, log_det = np.linalg.slogdet(implied)
    if sign <= 0 or np.linalg.eigvalsh(factors)[0] <= 0:
        return 1e6, np.zeros_like(x)
    inverse = np.linalg.inv(implied)
    value = log_det + float((inverse * correlation).sum()) - float(np.linalg.slogdet(correlation)[1]) - len(unique)
    slope = inverse - inverse @ correlation @ inverse
    by_loading = 2 * (slope @ loadings @ factors)[np.arange(len(unique)), belongs]
    by_factor = 2 * loadings.T @ slope @ loadings
    return value, np.concatenate([by_loading, np.diag(slope), [by_factor[i, j] for i, j in pairs]])


def _unpack(x: Floats, belongs: Ints, pairs: list[tuple[int, int]]) -> tuple[Floats, Floats, Floats]:
    """Loadings (questions, constructs), unique variances (questions,), construct correlations."""
    size, factors = len(belongs), np.eye(int(belongs.max()) + 1)
    loadings = np.zeros((size, len(factors)))
    loadings[np.arange(size), belongs] = x[:size]
    for (i, j), r in zip(pairs, x[2 * size :], strict=True):
        factors[i, j] = factors[j, i] = r
    return loadings, x[size : 2 * size], factors


def _indices(fit: tuple[float, int], independent: tuple[float, int], n: int) -> dict[str, Any]:
    """Fit indices from chi-square and df of the model and of the model without any correlation."""
    (chi_square, df), (chi_0, df_0) = fit, independent
    names = ("p", "cfi", "tli", "rmsea", "rmsea_low", "rmsea_high")
    if df == 0:  # as many parameters as correlations: the model cannot fail
        return {"chi_square": chi_square, **dict.fromkeys(names)}
    excess = max(chi_square - df, 0.0)
    cfi = 1 - excess / max(chi_0 - df_0, excess, 1e-12)
    tli = (chi_0 / df_0 - chi_square / df) / (chi_0 / df_0 - 1)
    low, high = (sqrt(_noncentrality(chi_square, df, q) / (df * n)) for q in (0.95, 0.05))
    values = (float(stats.chi2.sf(chi_square, df)), cfi, tli, sqrt(excess / (df * n)), low, high)
    return {"chi_square": chi_square, **dict(zip(names, values, strict=True))}


def _noncentrality(chi_square: float, df: int, q: float) -> float:
    """Noncentrality at which `chi_square` is the quantile `q`; 0 if there is none."""

    def above(nc: float) -> float:
        return float(stats.ncx2.cdf(chi_square, df, nc)) - q

    if above(1e-9) <= 0:
        return 0.0
    return float(optimize.brentq(above, 1e-9, 10 * chi_square + 100))


def _none(n: int, reason: str) -> FactorModel:
    return FactorModel(None, None, None, None, None, None, None, None, None, None, None, n, reason)
