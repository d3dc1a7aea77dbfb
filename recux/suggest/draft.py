"""A suggestion before it is stored: what a rule makes of a finding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from recux.suggest.finding import Finding, Ids

Category = Literal["algorithm", "interface", "data", "feedback"]
Text = Mapping[str, str]

PRACTICAL: Mapping[str, float] = {
    "mean_rating": 0.1,
    "nps": 5.0,
    "csat": 0.03,
    "ctr": 0.005,
    "purchase_rate": 0.002,
    "typical_ms": 50.0,
    "any_failure": 0.02,
    "failure_rate": 0.01,
    "slow_share": 0.02,
    "theme_share": 0.03,
    "comment_rate": 0.03,
    "careless": 0.02,
    "drop_off": 0.05,
    "response_rate": 0.05,
    "same_answer": 0.05,
    "duplicate_share": 0.02,
    "missing_share": 0.05,
    "repeat_share": 0.02,
}
"""The smallest effect worth having, by metric and in its unit; anything else counts from .05."""


def practical(metric: str) -> float:
    """The smallest effect on `metric` that is worth having (the default of a suggestion's delta)."""
    return PRACTICAL.get(metric, 0.05)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the change should bring: the effect on a metric in a segment, with its interval."""

    metric: str
    value: float
    low: float
    high: float
    n: int
    method: str
    where: Mapping[str, str]

    def to_json(self, definition: str) -> dict[str, Any]:
        """In the shape of a figure of the report, with the metric and the segment it will be judged on."""
        return {
            "value": self.value,
            "ci_low": self.low,
            "ci_high": self.high,
            "n": self.n,
            "definition": definition,
            "method": self.method,
            "metric": self.metric,
            "where": dict(self.where),
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """One suggestion, complete but for its place in the database."""

    rule: str
    version: int
    category: Category
    finding: Finding
    title: Text
    change: Text
    predicted: Predicted
    guardrails: tuple[str, ...]
    """Metrics that must not get worse in the judging round."""
    against: tuple[Text, ...] = ()
    trial: Mapping[str, Any] | None = None
    """Options of an arm that would try the change, or None where no switch can."""
    plan: Mapping[str, str] = field(default_factory=dict)
    """`arm` and `control` that the judging round compares, where the change needs no new arm."""

    @property
    def ids(self) -> Ids:
        """Rows behind it."""
        return self.finding.ids


def text(en: str, zh: str, **facts: Any) -> Text:
    """A text in both languages with its numbers filled in."""
    return {"en": en.format(**facts), "zh_CN": zh.format(**facts)}


def shrunken(value: float, low: float, high: float) -> float:
    """The estimate moved towards 0 by the share of its square that is noise (empirical Bayes with one effect).

    value (1 - se^2 / value^2), 0 when the noise is as large as the estimate: what stood out stood out in part by
    luck. The standard error is read off the 95 % interval.
    """
    se = (high - low) / (2 * 1.96)
    return 0.0 if value == 0 else value * max(0.0, 1 - (se / value) ** 2)


def undone(finding: Finding, *, metric: str | None = None, scale: float = 1.0, **where: str) -> Predicted:
    """The prediction that the gap of a finding closes: its negative, shrunken, times `scale`."""
    value = shrunken(finding.value, finding.low, finding.high)
    low, high = sorted((-scale * finding.low, -scale * finding.high))
    return Predicted(
        metric=metric or finding.metric,
        value=-scale * value,
        low=low,
        high=high,
        n=finding.n,
        method=f"the gap closes, shrunken; {finding.method}",
        where=where or finding.where,
    )


def aimed(finding: Finding, target: float) -> Predicted:
    """The prediction that a figure reaches `target`: an aim set by practice, not a forecast from an experiment."""
    low, high = sorted((target - finding.low, target - finding.high))
    return Predicted(
        metric=finding.metric,
        value=target - finding.value,
        low=low,
        high=high,
        n=finding.n,
        method=f"aim: the distance to {target:g}; {finding.method}",
        where=finding.where,
    )
