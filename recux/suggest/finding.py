"""A finding: one thing that the data say, with its interval, its test and what lies behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recux.stats import Difference, Estimate

Ids = Mapping[str, tuple[int, ...]]

MOST_IDS = 100  # kept as evidence of one finding; a reader wants examples, not a million numbers


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure that rules may act on."""

    kind: str
    """What was looked at, such as `arm` or `theme`."""
    metric: str
    """Name of the outcome, as in `outcomes.OUTCOMES`, so that a later round can judge it."""
    value: float
    """Estimate in the metric's unit."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""
    n: int
    """Independent units behind it: people, unless the definition says otherwise."""
    definition: str
    method: str
    where: Mapping[str, str] = field(default_factory=dict)
    """The segment: `arm`, `control`, `cohort`, `category`, ... with its value; empty means everywhere."""
    p: float | None = None
    """Its p-value; None when it is a count of what is in the data and not a test."""
    share: float = 0.0
    """Its share of the round's error budget, 0 to 1; 0 when it is not a test."""
    p_adjusted: float | None = None
    """p after the adjustment over everything that was tried; None when it is not a test."""
    tried: int = 1
    """How many hypotheses of its kind were tried to find it."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further numbers and names that the text needs."""
    ids: Ids = field(default_factory=dict)
    """Rows behind it by table: `ratings`, `comments` (ratings whose comment is meant), `answers`, `requests`."""

    def tested(self, p: float, share: float, **more: Any) -> "Finding":
        """This finding with its test."""
        return replace(self, p=p, share=share, **more)


def from_difference(found: Difference, **rest: Any) -> Finding | None:
    """A finding from a comparison b - a; None when it could not be estimated."""
    if found.difference is None or found.ci_low is None or found.ci_high is None:
        return None
    n = found.n_a + found.n_b
    return Finding(
        value=found.difference, low=found.ci_low, high=found.ci_high, n=n, method=found.method, p=found.p, **rest
    )


def from_estimate(found: Estimate, **rest: Any) -> Finding | None:
    """A finding from one figure; None when it could not be estimated."""
    if found.value is None or found.ci_low is None or found.ci_high is None:
        return None
    return Finding(value=found.value, low=found.ci_low, high=found.ci_high, n=found.n, method=found.method, **rest)


def ids_of(values: Any) -> tuple[int, ...]:
    """The first row ids of `values`, as plain integers."""
    return tuple(int(value) for value in values[:MOST_IDS])
