"""Estimates and intervals in the slowest and plainest way, each independent of how recux computes it."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from benchmarks.recompute.rows import Numbers, wide_of


def paired(change: pd.Series) -> Numbers:
    """Paired t test of the differences."""
    if len(change) < 2 or np.ptp(change) == 0:
        return None
    interval = stats.ttest_1samp(change, 0).confidence_interval(0.95)
    return change.mean(), interval.low, interval.high, len(change)


def nps(scores: pd.Series) -> Numbers:
    """Adjusted Wald: three answers are added for the interval."""
    n = len(scores)
    if n < 2:
        return None
    p, d = (scores >= 9).sum(), (scores <= 6).sum()
    pp, dd, nn = (p + 0.75) / (n + 3), (d + 0.75) / (n + 3), n + 3
    half = stats.norm.ppf(0.975) * sqrt((pp + dd - (pp - dd) ** 2) / nn)
    return 100 * (p - d) / n, 100 * max(-1, pp - dd - half), 100 * min(1, pp - dd + half), n


def nps_difference(a: pd.Series, b: pd.Series) -> Numbers:
    """Inverted score test; the likeliest distributions with a given difference are found by a general optimiser."""
    counts = np.array([[(x >= 9).sum(), ((x > 6) & (x < 9)).sum(), (x <= 6).sum()] for x in (a, b)], dtype=float)
    sizes = counts.sum(axis=1)
    if sizes.min() < 2:
        return None
    value = np.array([1.0, 0.0, -1.0])
    means = counts @ value / sizes
    observed, z = means[1] - means[0], stats.norm.ppf(0.975)
    together = counts.sum(axis=0) / sizes.sum()
    pooled = (together @ value**2 - (together @ value) ** 2) * (1 / sizes).sum()
    alike = sizes.max() < 2 * sizes.min() and together.max() >= 0.85

    def constrained(delta: float) -> float:
        rules = [
            {"type": "eq", "fun": lambda p: p[:3].sum() - 1},
            {"type": "eq", "fun": lambda p: p[3:].sum() - 1},
            {"type": "eq", "fun": lambda p: p[3:] @ value - p[:3] @ value - delta},
        ]
        seen = (counts + 1e-4).ravel()
        start = np.full(6, 1 / 3)
        best = optimize.minimize(
            lambda p: -(seen * np.log(p)).sum() / seen.sum(), start, jac=lambda p: -seen / p / seen.sum(),
            bounds=[(1e-9, 1)] * 6, constraints=rules, method="SLSQP", options={"maxiter": 500, "ftol": 1e-14},
        )  # fmt: skip
        p = best.x.reshape(2, 3)
        variance = ((p @ value**2 - (p @ value) ** 2) / sizes).sum()
        return variance * sizes.sum() / (sizes.sum() - 1)

    def spread(delta: float) -> float:
        variance = constrained(delta)
        if alike and abs(delta) < abs(observed):  # towards what both arms together show, fully at no difference
            variance -= (1 - abs(delta) / abs(observed)) * max(0.0, constrained(0.0) - pooled)
        return sqrt(variance)

    low, high = (
        optimize.brentq(lambda d, s=side: observed - d - s * z * spread(d), *ends, xtol=1e-7)
        for side, ends in ((1, (-1.999, observed)), (-1, (observed, 1.999)))
    )
    return 100 * observed, 100 * low, 100 * high, int(sizes.sum())


def csat_difference(a: pd.Series, b: pd.Series) -> Numbers:
    """Square-and-add on exact limits, holding 0 where Fisher's test is not significant."""
    pairs = [(int(x.sum()), len(x)) for x in (a, b)]
    if min(n for _, n in pairs) == 0:
        return None
    (pa, la, ha, na), (pb, lb, hb, nb) = (proportion(*pair) for pair in pairs)
    low, high = pb - pa - sqrt((pb - lb) ** 2 + (ha - pa) ** 2), pb - pa + sqrt((hb - pb) ** 2 + (pa - la) ** 2)
    (ka, _), (kb, _) = pairs
    if stats.fisher_exact([[kb, nb - kb], [ka, na - ka]]).pvalue >= 0.05:
        low, high = min(low, 0), max(high, 0)
    return pb - pa, max(-1, low), min(1, high), na + nb


def welch(a: pd.Series, b: pd.Series) -> Numbers:
    """Welch's test by scipy; by hand where arms are unequal and lopsided and the smaller one's variance is steadied."""
    if min(len(a), len(b)) < 2 or np.ptp(a) + np.ptp(b) == 0:
        return None
    (n, v), (m, w) = sorted((len(x), x.var()) for x in (a, b))
    skewness = max(abs(x.skew()) if len(x) > 2 and np.ptp(x) else 0 for x in (a, b))
    if m < 2 * n or skewness <= 1.5:
        interval = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
        return b.mean() - a.mean(), interval.low, interval.high, len(a) + len(b)
    share = min(0.5, 2 * skewness**2 / n)
    first = ((1 - share) * v + share * ((n - 1) * v + (m - 1) * w) / (n + m - 2)) / n
    second = w / m
    half = stats.t.ppf(0.975, (first + second) ** 2 / (first**2 / (n - 1) + second**2 / (m - 1))) * sqrt(first + second)
    value = b.mean() - a.mean()
    return value, value - half, value + half, len(a) + len(b)


def linearised(totals: pd.DataFrame) -> pd.Series:
    """One value a person whose mean is the ratio and whose spread is its linearised spread."""
    rate = totals["sum"].sum() / totals["size"].sum()
    return rate + (totals["sum"] - rate * totals["size"]) / totals["size"].mean()


def ratio(totals: pd.DataFrame) -> Numbers:
    """Korn and Graubard: Clopper-Pearson with the effective number of rows."""
    n, rows = len(totals), totals["size"].sum()
    if n < 2:
        return None
    rate = totals["sum"].sum() / rows
    variance = (((totals["sum"] - rate * totals["size"]) / totals["size"].mean()) ** 2).sum() / (n * (n - 1))
    variance *= (stats.t.ppf(0.975, n - 1) / stats.norm.ppf(0.975)) ** 2
    effective = min(rows, max(1.0, rate * (1 - rate) / max(variance, 1e-24)))
    if min((totals["sum"] > 0).sum(), (totals["sum"] < totals["size"]).sum()) < 5:
        effective = min(effective, n)
    return rate, *exact(rate * effective, effective), n


def proportion(successes: int, n: int) -> Any:
    """A share with its exact interval."""
    return None if n == 0 else (successes / n, *exact(successes, n), n)


def exact(k: float, n: float) -> tuple[float, float]:
    """Clopper and Pearson, for real-valued counts too."""
    low = 0.0 if k <= 0 else float(stats.beta.ppf(0.025, k, n - k + 1))
    return low, 1.0 if k >= n else float(stats.beta.ppf(0.975, k + 1, n - k))


def bounded(values: pd.Series, low: float, high: float) -> Numbers:
    """A mean on a scale."""
    n = len(values)
    if n == 0:
        return None
    mean = values.mean()
    if np.ptp(values) == 0:
        share = 0.025 ** (1 / n)
        return mean, share * mean + (1 - share) * low, share * mean + (1 - share) * high, n
    ends = [mean - x * values.std() / sqrt(n) for x in hall(values)]
    return mean, max(low, ends[0]), min(high, ends[1]), n


def hall(values: pd.Series) -> list[float]:
    """Quantiles of t transformed back by solving Hall's cubic for its real root; t's own for two values."""
    n, t = len(values), stats.t.ppf(0.975, len(values) - 1)
    skew = 0.0 if n < 3 else values.skew() * sqrt((n - 1) / n) * sqrt(n / (n - 1)) / sqrt(n)
    if abs(skew) < 1e-6:
        return [t, -t]
    cubic = [[skew**2 / 27, skew / 3, 1, skew / 6 - x] for x in (t, -t)]
    return [float(next(root.real for root in np.roots(c) if abs(root.imag) < 1e-6)) for c in cubic]


def alpha(table: pd.DataFrame, scores: pd.Series) -> Numbers:
    """Cronbach's alpha with Feldt's interval, wider where the scores are lopsided."""
    n, k = table.shape
    if k < 2 or n < 3 or table.var().min() == 0:
        return None
    value = k / (k - 1) * (1 - table.var().sum() / table.sum(axis=1).var())
    if value > 1 - 1e-9:
        return None
    ratios = [stats.f.ppf(q, n - 1, (n - 1) * (k - 1)) for q in (0.975, 0.025)]
    return value, *(1 - (1 - value) * ratio ** widening(scores.skew(), n) for ratio in ratios), n


def widening(skewness: float, n: int, share: float = 1 / 4) -> float:
    """How much wider an interval of reliability is than for normal answers."""
    return 1 + share * skewness**2 if abs(skewness) > sqrt(6 / n) else 1.0


def omega(table: pd.DataFrame, scores: pd.Series) -> Numbers:
    """McDonald's omega: one factor fitted by a general optimiser, the interval by numerical derivatives."""
    n, k = table.shape
    if k < 3 or n <= k or table.var().min() == 0:
        return None
    seen = table.cov().to_numpy()

    def minus_log_likelihood(x: np.ndarray[Any, Any]) -> float:
        implied = np.outer(x[:k], x[:k]) + np.diag(np.exp(x[k:]))
        return float((n - 1) / 2 * (np.linalg.slogdet(implied)[1] + np.trace(np.linalg.solve(implied, seen))))

    spread = np.sqrt(np.diag(seen))
    values, vectors = np.linalg.eigh(seen / np.outer(spread, spread))
    first = vectors[:, -1] * np.sqrt(values[-1]) * np.sign(vectors[:, -1].sum()) * 0.8
    start = np.concatenate([first * spread, np.log(np.maximum(1 - first**2, 0.05) * spread**2)])
    low = np.concatenate([np.full(k, -np.inf), np.log(0.005 * spread**2)])
    best = optimize.minimize(
        minus_log_likelihood, start, method="L-BFGS-B", bounds=list(zip(low, [np.inf] * 2 * k, strict=True)),
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9, "maxfun": 10**6},
    )  # fmt: skip
    if (best.x[k:] < low[k:] + 0.01).any():
        return None  # a question without variance of its own
    x, step = best.x, 1e-3
    hessian = np.zeros((2 * k, 2 * k))
    for i in range(2 * k):
        for j in range(2 * k):
            moved = [x + step * (a * np.eye(2 * k)[i] + b * np.eye(2 * k)[j]) for a in (1, -1) for b in (1, -1)]
            hessian[i, j] = np.dot([1, -1, -1, 1], [minus_log_likelihood(m) for m in moved]) / (4 * step**2)
    total, unique = x[:k].sum(), np.exp(x[k:])
    gradient = np.concatenate([np.full(k, 2 / total), -unique / unique.sum()])
    half = stats.norm.ppf(0.975) * sqrt(gradient @ np.linalg.solve(hessian, gradient)) * widening(scores.skew(), n)
    logit = np.log(total**2 / unique.sum())
    value, low, high = (float(1 / (1 + np.exp(-end))) for end in (logit, logit - half, logit + half))
    return value, low, high, n


def item_rest(table: pd.DataFrame, column: str) -> Numbers:
    """Pearson's r of a question with the sum of the others."""
    rest = table.drop(columns=column).sum(axis=1)
    if len(table) < 4 or np.ptp(table[column]) == 0 or np.ptp(rest) == 0:
        return None
    r, n = table[column].corr(rest), len(table)
    standard = [(one - one.mean()) / one.std() for one in (table[column], rest)]
    together, alone = standard[0] + np.copysign(1, r) * standard[1], max(abs(one.skew()) for one in standard)
    half = stats.norm.ppf(0.975) / sqrt(n - 3) * max(widening(together.skew(), n), widening(alone, n, 1 / 10))
    low, high = (np.tanh(np.arctanh(r) + sign * half) for sign in (-1, 1))
    return r, low, high, n


def sus(answers: pd.DataFrame) -> pd.Series:
    """Of those who answered all ten questions."""
    wide = wide_of(answers, "sus").reindex(columns=[f"q{n}" for n in range(1, 11)]).dropna()
    odd, even = wide[[f"q{n}" for n in range(1, 11, 2)]], wide[[f"q{n}" for n in range(2, 11, 2)]]
    return 2.5 * ((odd - 1).sum(axis=1) + (5 - even).sum(axis=1))


def umux_lite(answers: pd.DataFrame) -> pd.Series:
    """Of those who answered both questions."""
    wide = wide_of(answers, "umux_lite").reindex(columns=["q1", "q2"]).dropna()
    return 0.65 * (wide.sum(axis=1) - 2) * 100 / 12 + 22.9
