"""Was the prediction right? The definitions, apart from where the numbers come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from scipy import stats

from recux.stats import Difference, srm
from recux.suggest.columns import Flags, Floats
from recux.suggest.findings.arms import compare_outcome, compare_within
from recux.suggest.frames import Evidence
from recux.suggest.outcomes import outcome, reached
from recux.suggest.segment import arm_number, rows_where

Verdict = Literal["confirmed", "refuted", "inconclusive", "moved_uncontrolled", "confounded", "not_implemented"]

FEWEST = 5
"""People with a value on each side, below which nothing is said."""
SMALLEST_SHARE = 0.2
"""Of the people of the two arms that each must have for a control to be one."""
ABOUT_ANSWERING = frozenset({"response_rate", "drop_off"})
"""Metrics of people who may never have rated."""
MIXED = 0.005
"""p of equal cohort shares in both arms below which the comparison is confounded."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What was frozen when a suggestion was accepted, and how it was put into practice."""

    metric: str
    where: Mapping[str, str]
    predicted: float
    delta: float
    """The smallest effect worth having, in the metric's unit, above 0."""
    arm: str | None
    """The arm with the change; None when everybody got it."""
    control: str | None
    """The arm with the old way; None when there was none."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason and the effect that was seen."""

    verdict: Verdict
    reason: str
    actual: Difference | None = None
    """None when nothing could be compared."""
    controlled: bool = False
    """Whether it was compared with a randomised concurrent control: only such verdicts say whether a rule hits."""

    def to_json(self) -> dict[str, Any]:
        """For the event that records it."""
        said = {"verdict": self.verdict, "reason": self.reason, "controlled": self.controlled}
        return {**said, "actual": _json(self.actual, self.reason)}


def _json(actual: Difference | None, reason: str) -> dict[str, Any]:
    if actual is None or actual.difference is None:
        return {"value": None, "reason": (actual.reason if actual else None) or reason}
    return {
        "value": actual.difference,
        "ci_low": actual.ci_low,
        "ci_high": actual.ci_high,
        "n": actual.n_a + actual.n_b,
        "n_control": actual.n_a,
        "n_changed": actual.n_b,
        "method": actual.method,
    }


def verdict_of(actual: Difference, promise: Promise, *, controlled: bool) -> Judgement:
    """The verdict on an effect that was seen.

    Confirmed: the interval lies wholly on the predicted side of 0 and the estimate is at least delta. Refuted: the
    interval lies wholly below delta in the predicted direction. Inconclusive otherwise. Without a randomised
    concurrent control the best verdict is that it moved as predicted.
    """
    if actual.difference is None or actual.ci_low is None or actual.ci_high is None:
        return Judgement("inconclusive", actual.reason or "the effect is not estimable", actual, controlled)
    sign = 1.0 if promise.predicted >= 0 else -1.0
    low, high = sorted((sign * actual.ci_low, sign * actual.ci_high))
    if low > 0 and sign * actual.difference >= promise.delta:
        if controlled:
            return Judgement("confirmed", "the effect is there, beside a concurrent control", actual, controlled)
        return Judgement("moved_uncontrolled", "it moved as predicted, but there was no concurrent control", actual)
    if high < promise.delta:
        return Judgement("refuted", "the whole interval is below the smallest effect worth having", actual, controlled)
    return Judgement("inconclusive", "the interval allows both a worthwhile effect and none", actual, controlled)


def judge_beside_control(e: Evidence, promise: Promise) -> Judgement | None:
    """The verdict from the arm with the change against the arm with the old way; None when there is no control.

    Only people who came while both arms were open count, as chance decided who got which. An arm with less than a
    fifth of them is no control. `e` is of the judging round alone.
    """
    if promise.arm is None or promise.control is None:
        return None
    numbers = [arm_number(e, key) for key in (promise.arm, promise.control)]
    if e.crossed:
        return _judge_within(e, promise, numbers)
    eligible = _eligible(e, promise.metric, numbers)
    treated, control = (eligible & (e.arm_of_person == number) for number in numbers)
    sizes = int(control.sum()), int(treated.sum())
    if not sum(sizes) or min(sizes) < SMALLEST_SHARE * sum(sizes):
        return None
    confounded = _confounded(e, promise, control, treated)
    if confounded:
        return Judgement("confounded", confounded)
    return _judge_between(e, promise, control, treated)


def _judge_between(e: Evidence, promise: Promise, control: Flags, treated: Flags) -> Judgement | None:
    values = outcome(e, promise.metric, promise.where)
    if values is None:
        return None
    known = ~np.isnan(values)
    a, b = control & known, treated & known
    if min(a.sum(), b.sum()) < FEWEST:
        reason = f"too few people: {int(a.sum())} in the control and {int(b.sum())} with the change"
        return Judgement("inconclusive", reason, controlled=True)
    return verdict_of(compare_outcome(e, promise.metric, a, b, values), promise, controlled=True)


def _judge_within(e: Evidence, promise: Promise, arms: Sequence[int]) -> Judgement | None:
    """The verdict where the same people met both arms, in an order that chance decided; None when nobody met both."""
    arm, control = arms
    if promise.metric != "mean_rating":
        return Judgement("inconclusive", "everybody met both arms, and only ratings tell them apart")
    rows = rows_where(e, promise.where, any_arm=True)
    both = ~np.isnan(e.mean_in(arm)) & ~np.isnan(e.mean_in(control))
    if not both.any():
        return None
    found = compare_within(e, control, arm, rows)
    if found.n_a + found.n_b < FEWEST:
        reason = f"too few people: {found.n_a + found.n_b} met both arms in the segment"
        return Judgement("inconclusive", reason, controlled=True)
    return verdict_of(found, promise, controlled=True)


def _eligible(e: Evidence, metric: str, arms: Sequence[int]) -> Flags:
    """People who came while both arms were open, shape (people,): those who rated; where it is about whether people
    answer, or nobody was asked to rate, all who saw a list or answered.
    """
    together, rated = e.together(arms), e.times_rated > 0
    if metric in ABOUT_ANSWERING or not len(e.rating):
        rated = reached(e, "shown") | reached(e, "answered") | rated
        together = together | (e.first == 0)
    return together & rated


def _confounded(e: Evidence, promise: Promise, control: Flags, treated: Flags) -> str | None:
    weights = {arm.key: arm.weight for arm in e.arms}
    planned = [weights.get(key or "", 1.0) for key in (promise.control, promise.arm)]
    if min(planned) > 0 and srm([int(control.sum()), int(treated.sum())], planned).ok is False:
        return "the two arms do not have the sizes that were planned"
    cohort = e.people["cohort"]
    names = sorted({str(name) for name in cohort[control | treated].dropna()})
    table = np.array([[int((side & (cohort == name)).sum()) for name in names] for side in (control, treated)])
    if len(names) > 1 and table.sum(axis=1).min() > 0 and stats.chi2_contingency(table).pvalue < MIXED:
        return "the two arms have different mixes of cohorts"
    return None


def change_against(before: Floats, after: Floats, matched: tuple[Floats, Floats] | None) -> Difference:
    """Change of the mean from `before` to `after`, minus that of matched untouched people when there are such.

    Whatever was low by luck comes back up by itself, with or without a change; so did what resembled it, and that is
    subtracted. The four groups are taken as independent people, which is conservative where they are the same.
    """
    groups = [before, after, *(matched or ())]
    kept = [group[~np.isnan(group)] for group in groups]
    n_a, n_b = len(kept[0]), len(kept[1])
    method = "before and after" + (", minus matched untouched segments" if matched else "")
    if min(len(group) for group in kept) < FEWEST:
        return Difference(None, None, None, None, n_a, n_b, method, None, "too few people before or after")
    means, errors = [float(g.mean()) for g in kept], [float(g.var(ddof=1) / len(g)) for g in kept]
    change = means[1] - means[0] - ((means[3] - means[2]) if matched else 0.0)
    se = sqrt(sum(errors))
    if se == 0:
        return Difference(None, None, None, None, n_a, n_b, method, None, "all values are equal")
    df = min(len(group) for group in kept) - 1
    half = float(stats.t.ppf(0.975, df)) * se
    p = float(2 * stats.t.sf(abs(change) / se, df))
    return Difference(change, change - half, change + half, p, n_a, n_b, method, se)
