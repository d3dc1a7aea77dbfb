"""Many comparisons at once, from sums: what makes hundreds of segments cheap.

Everything is a participant-level value (a person's mean, or a contrast within the person), so the person is the unit
and nobody counts twice. NaN values are people who have no such value; they are left out.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy import special, stats

from recux.suggest.columns import Floats, Ints

FEWEST_VARIANCES = 10
"""Groups from which it can be told how much variances really differ."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Number, sum and sum of squares of values in groups; the three arrays have one shape."""

    n: Floats
    total: Floats
    squares: Floats

    def __sub__(self, other: "Moments") -> "Moments":
        """The groups without `other`, which is part of them."""
        return Moments(self.n - other.n, self.total - other.total, self.squares - other.squares)

    @property
    def mean(self) -> Floats:
        """Means; NaN for an empty group."""
        return divided(self.total, self.n)

    @property
    def variance(self) -> Floats:
        """Variances (n - 1); NaN below two values, exactly 0 where rounding would leave a trace."""
        raw = divided(self.squares - divided(self.total**2, self.n), self.n - 1)
        return np.where(raw < 1e-10, np.where(np.isnan(raw), np.nan, 0.0), raw)


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Welch comparisons, b - a, one for each cell; NaN where not estimable."""

    difference: Floats
    se: Floats
    df: Floats
    n_a: Floats
    n_b: Floats

    @property
    def t(self) -> Floats:
        """Difference in standard errors."""
        return divided(self.difference, self.se)

    def half_width(self, level: float = 0.95) -> Floats:
        """Half the width of the interval."""
        return np.asarray(stats.t.ppf((1 + level) / 2, self.df) * self.se)

    def p_in_direction(self, sign: Floats) -> Floats:
        """One-sided p of a difference in the direction of `sign` (1 or -1)."""
        return np.asarray(stats.t.sf(sign * self.t, self.df))

    def at(self, index: int | Ints) -> "Contrasts":
        """The cells at `index` of the last axis."""
        parts = (self.difference, self.se, self.df, self.n_a, self.n_b)
        return Contrasts(*(part[..., index] for part in parts))


def divided(top: Floats, bottom: Floats) -> Floats:
    """Top / bottom, NaN where bottom is not above 0."""
    result: Floats = np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom > 0)
    return result


def moments(values: Floats, groups: Ints, size: int) -> Moments:
    """Moments of `values` in groups 0..size-1; negative groups and NaN values are left out."""
    kept = (groups >= 0) & ~np.isnan(values)
    codes, used = (groups, values) if kept.all() else (groups[kept], values[kept])
    return Moments(
        np.bincount(codes, minlength=size).astype(np.float64),
        np.bincount(codes, weights=used, minlength=size).astype(np.float64),
        np.bincount(codes, weights=used * used, minlength=size).astype(np.float64),
    )


def moderated(m: Moments) -> tuple[Floats, Floats]:
    """Variance and degrees of freedom of every group, with what the other groups say about variances.

    Groups of 25 people know their variance only roughly, which costs power in the tails. Each variance is drawn to the
    common one by as much as sampling explains how they differ (Smyth 2004, the moderated t); where they really differ,
    nearly nothing is drawn. The halves, the first axis, know nothing of each other. With fewer than
    `FEWEST_VARIANCES` groups in a half they stay as they are.
    """
    variance, df = m.variance, np.maximum(m.n - 1, 0.0)
    if variance.ndim < 2:
        return variance, df
    pairs = [_drawn(half, own) for half, own in zip(variance, df, strict=True)]
    return np.stack([one for one, _ in pairs]), np.stack([one for _, one in pairs])


def _drawn(variance: Floats, df: Floats) -> tuple[Floats, Floats]:
    known = (variance > 0) & (df > 0)
    if known.sum() < FEWEST_VARIANCES:
        return variance, df
    half = df[known] / 2
    logs = np.log(variance[known]) - special.digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1) - special.zeta(2.0, half).mean())
    most = float(df[known].sum())
    prior = most if excess <= special.zeta(2.0, most / 2) else 2 * _inverse_trigamma(excess)
    common = float(np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2)))
    drawn = (prior * common + df * np.nan_to_num(variance)) / (prior + df)
    return np.where(df > 0, drawn, np.nan), np.where(df > 0, np.minimum(prior + df, most), 0.0)


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = zeta(2, x) = value, above 0, by Newton's method on 1 / trigamma, which is convex and
    nearly a line (Smyth 2004, appendix).
    """
    x = 0.5 + 1 / value
    for _ in range(50):
        now = float(special.zeta(2.0, x))
        step = now * (1 - now / value) / (-2 * float(special.zeta(3.0, x)))
        x += step
        if abs(step) < 1e-8 * x:
            break
    return x


def welch(a: Moments, b: Moments) -> Contrasts:
    """Welch's comparison (1947) in every cell, with moderated variances where the cells are many; not estimable with
    fewer than two people or no variance at all.
    """
    (variance_a, df_a), (variance_b, df_b) = moderated(a), moderated(b)
    square_a, square_b = divided(variance_a, a.n), divided(variance_b, b.n)
    square = square_a + square_b
    df = divided(square**2, divided(square_a**2, df_a) + divided(square_b**2, df_b))
    return Contrasts(b.mean - a.mean, np.where(square > 0, np.sqrt(square), np.nan), df, a.n, b.n)


def weaker(a: Contrasts, b: Contrasts) -> Contrasts:
    """In every cell the one of two comparisons that is less low: only where both are low is it low."""
    first = np.isnan(a.t) | (a.t > b.t)
    return Contrasts(*(np.where(first, getattr(a, one.name), getattr(b, one.name)) for one in fields(Contrasts)))


def against_zero(group: Moments) -> Contrasts:
    """Whether the mean of each cell differs from 0 (one-sample t)."""
    se = np.sqrt(divided(group.variance, group.n))
    return Contrasts(group.mean, np.where(se > 0, se, np.nan), group.n - 1, np.zeros_like(group.n), group.n)


def within_person(person: Ints, part: Ints, values: Floats, people: int, parts: int) -> Floats:
    """Each person's mean in one part minus the same person's mean in all other parts, shape (people, parts).

    Comparing people with themselves takes out who is generous and who is strict. NaN where a person has no value in
    the part, or none outside it. Rows with a negative part are left out.
    """
    kept = part >= 0
    cell = person[kept] * parts + part[kept]
    totals = np.bincount(cell, weights=values[kept], minlength=people * parts).reshape(people, parts).astype(np.float64)
    numbers = np.bincount(cell, minlength=people * parts).reshape(people, parts).astype(np.float64)
    others = divided(totals.sum(axis=1, keepdims=True) - totals, numbers.sum(axis=1, keepdims=True) - numbers)
    return divided(totals, numbers) - others
