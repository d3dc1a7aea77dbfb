"""A figure: a value that comes with its interval, its n and its definition, or the reason why there is none."""

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Protocol


class Result(Protocol):
    """What the estimates of ``recux.stats`` have in common."""

    @property
    def value(self) -> float | None: ...  # noqa: D102 - named alike in every result
    @property
    def ci_low(self) -> float | None: ...  # noqa: D102
    @property
    def ci_high(self) -> float | None: ...  # noqa: D102
    @property
    def n(self) -> int: ...  # noqa: D102
    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class FigureValue:
    """One figure of a report."""

    value: float | None
    """In the unit that ``definition`` names; None when not estimable."""
    ci_low: float | None = None
    """Lower end of the 95 % interval; None when ``value`` is."""
    ci_high: float | None = None
    """Upper end of the 95 % interval; None when ``value`` is."""
    n: int | None = None
    """Independent units behind it: people, unless the definition says otherwise."""
    definition: str = ""
    """What it is, in words fit to be shown."""
    method: str = ""
    """How the interval was computed."""
    reason: str | None = None
    """Why there is no value; None exactly when there is one."""

    def to_json(self) -> dict[str, Any]:
        """The figure as the report contract has it; never a NaN."""
        if self.value is None:
            return {"value": None, "reason": self.reason, "n": self.n, "definition": self.definition}
        return {
            "value": self.value,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "n": self.n,
            "definition": self.definition,
            "method": self.method,
        }

    def scaled(self, factor: float) -> "FigureValue":
        """The same figure in another unit."""
        if self.value is None or self.ci_low is None or self.ci_high is None:
            return self
        return replace(self, value=self.value * factor, ci_low=self.ci_low * factor, ci_high=self.ci_high * factor)


def figure(result: Result, definition: str) -> FigureValue:
    """A result of ``recux.stats`` as a figure. Something that is not a finite number counts as not estimable."""
    ends = (result.value, result.ci_low, result.ci_high)
    if result.value is None or any(end is None or not isfinite(end) for end in ends):
        return missing(result.reason or "the interval is not defined on these rows", definition, n=result.n)
    value, low, high = (float(end) for end in ends if end is not None)
    return FigureValue(value, low, high, int(result.n), definition, result.method.replace("_", " "))


def missing(reason: str, definition: str = "", *, n: int | None = None) -> FigureValue:
    """A figure that is not estimable, and why."""
    return FigureValue(None, n=n, definition=definition, reason=reason)
