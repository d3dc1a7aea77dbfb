"""What goes along with satisfaction, and how well questions group: regressions one by one, and a general optimiser."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from math import factorial, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from benchmarks.recompute.rows import Numbers

DRAWS = 300
Questions = Mapping[str, list[str]]


def drivers(outcome: pd.Series, scores: Mapping[str, pd.Series]) -> Iterator[tuple[str, Numbers]]:
    """Each construct's Shapley share of R squared, by its name; the interval from resampled people, drawn anew."""
    table = pd.DataFrame(dict(scores)).assign(outcome=outcome).dropna()
    y, x, n = table.pop("outcome").to_numpy(), table.to_numpy(), len(table)
    k = x.shape[1]
    if n < max(10, 5 * k) or np.ptp(y) == 0 or (np.ptp(x, axis=0) == 0).any():
        return
    rng, edge = np.random.default_rng(99), stats.norm.cdf(sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):  # where a resample leaves an outcome constant
        drawn = [shares(y[rows], x[rows]) for rows in rng.integers(0, n, (DRAWS, n))]
    low, high = np.nanquantile(drawn, [1 - edge, edge], axis=0)
    for place, (name, share) in enumerate(zip(scores, shares(y, x), strict=True)):
        yield name, (share, min(low[place], share), max(high[place], share), n)


def shares(y: np.ndarray[Any, Any], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Mean gain in R squared over all orders, as a share of the whole."""
    k = x.shape[1]
    explained = {s: r_squared(y, x[:, s]) for size in range(k + 1) for s in combinations(range(k), size)}
    gain = np.zeros(k)
    for s, r2 in explained.items():
        weight = factorial(len(s)) * factorial(k - len(s) - 1) / factorial(k) if len(s) < k else 0.0
        for j in set(range(k)) - set(s):
            gain[j] += weight * (explained[tuple(sorted((*s, j)))] - r2)
    return gain / gain.sum()


def r_squared(y: np.ndarray[Any, Any], x: np.ndarray[Any, Any]) -> float:
    """Of a linear regression with an intercept."""
    design = np.column_stack([np.ones(len(y)), x])
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return 1 - (left @ left) / ((y - y.mean()) ** 2).sum()


def rmsea(table: pd.DataFrame, constructs: Questions) -> Numbers:
    """Of a model in which each question belongs to one construct, by numerical derivatives alone."""
    table = table[[q for names in constructs.values() for q in names]].dropna()
    n, k = table.shape
    if n < 5 * k or (np.ptp(table, axis=0) == 0).any():
        return None
    seen = np.corrcoef(table, rowvar=False)
    belongs = np.repeat(range(len(constructs)), [len(names) for names in constructs.values()])
    pairs = list(combinations(range(len(constructs)), 2))

    def misfit(z: np.ndarray[Any, Any]) -> float:
        factors = np.eye(len(constructs))
        for (i, j), r in zip(pairs, np.tanh(z[2 * k :]), strict=True):
            factors[i, j] = factors[j, i] = r
        implied = np.outer(z[:k], z[:k]) * factors[np.ix_(belongs, belongs)] + np.diag(np.exp(z[k : 2 * k]))
        sign, size = np.linalg.slogdet(implied)
        return 1e3 if sign <= 0 else size - np.linalg.slogdet(seen)[1] + np.trace(np.linalg.solve(implied, seen)) - k

    start = np.concatenate([np.full(k, 0.6), np.full(k, -0.5), np.full(len(pairs), 0.3)])
    found = optimize.minimize(misfit, start, method="BFGS", options={"maxiter": 3000, "gtol": 1e-7})
    if np.exp(found.x[k : 2 * k]).min() < 1e-3 or (np.abs(np.tanh(found.x[2 * k :])) > 0.999).any():
        return None
    df, chi = k * (k + 1) // 2 - len(start), n * found.fun
    if df == 0:
        return None
    low, high = (sqrt(noncentrality(chi, df, q) / (df * n)) for q in (0.95, 0.05))
    return sqrt(max(0.0, chi - df) / (df * n)), low, high, n


def noncentrality(chi: float, df: int, q: float) -> float:
    """Where the noncentral chi-square has its quantile ``q`` at ``chi``."""
    if stats.chi2.cdf(chi, df) <= q:
        return 0.0
    return optimize.brentq(lambda nc: stats.ncx2.cdf(chi, df, nc) - q, 1e-9, 10 * chi + 100)
