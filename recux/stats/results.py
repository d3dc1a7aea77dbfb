"""What the functions return: frozen records, every field documented, also when it is None."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure of one group."""

    value: float | None
    """Point estimate in the unit of the data; None when not estimable."""
    ci_low: float | None
    """Lower end of the interval at the asked level; None when `value` is."""
    ci_high: float | None
    """Upper end of the interval; None when `value` is."""
    n: int
    """Independent units used: participants where clusters are given, else values."""
    method: str
    """Name of the interval's method, fit to be shown."""
    reason: str | None = None
    """Why the figure is not estimable; None when it is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A comparison of two groups, always b - a (a is the control)."""

    difference: float | None
    """Estimated b - a in the unit of the data; None when not estimable."""
    ci_low: float | None
    """Lower end of the interval of b - a; None when `difference` is."""
    ci_high: float | None
    """Upper end of the interval; None when `difference` is."""
    p: float | None
    """Two-sided p-value of no difference; None when not estimable or when the method has no test."""
    n_a: int
    """Independent units in a: participants where clusters are given, else values."""
    n_b: int
    """Independent units in b."""
    method: str
    """Name of the method, fit to be shown."""
    se: float | None = None
    """Standard error of the difference; None when not estimable or when the method has none."""
    reason: str | None = None
    """Why the comparison is not estimable; None when it is."""


@dataclass(frozen=True, slots=True)
class Superiority:
    """An ordinal comparison."""

    superiority: float | None
    """P(b > a) + P(b = a) / 2, from 0 to 1, .5 for no difference; None when not estimable."""
    ci_low: float | None
    """Lower end of the interval; None when `superiority` is."""
    ci_high: float | None
    """Upper end of the interval; None when `superiority` is."""
    p: float | None
    """Two-sided p-value of superiority = .5; None when `superiority` is."""
    n_a: int
    """Values in a."""
    n_b: int
    """Values in b."""
    method: str
    """Name of the method, fit to be shown."""
    reason: str | None = None
    """Why the comparison is not estimable; None when it is."""


def no_estimate(reason: str, *, n: int, method: str) -> Estimate:
    """An estimate that says why it has no value."""
    return Estimate(None, None, None, n, method, reason)


def no_difference(reason: str, *, n_a: int, n_b: int, method: str) -> Difference:
    """A comparison that says why it has no value."""
    return Difference(None, None, None, None, n_a, n_b, method, None, reason)
