"""Arms against the control: was the split as planned, and is any arm better, worse, as good, or can nobody tell yet.

The primary metric decides; its p-values are adjusted over the arms (Holm). The other metrics are adjusted together,
over metrics and arms. Ranking figures are not among them: they only describe the order within the shown slates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from recux.evaluation.figure import FigureValue, missing
from recux.evaluation.recommendation import RATES, per_person
from recux.evaluation.satisfaction import (
    Floats,
    construct_range,
    construct_scores,
    last_wave,
    person_means,
    single,
    sus_scores,
    table,
    umux_scores,
)
from recux.instruments import available, load
from recux.stats import (
    Difference,
    FurtherN,
    SampleRatio,
    compare_means,
    compare_nps,
    compare_proportions,
    further_n,
    holm,
    srm,
)
from recux.stats.distributions import critical_z

Verdict = Literal["better", "worse", "equivalent", "cannot_tell"]

MARGINS = {"nps": 10.0, "csat": 0.1, "mean_rating": 0.2, "ces": 0.35, "sus": 5.0, "umux_lite": 5.0}
"""Differences too small to matter, in the metric's unit."""
RELATIVE_MARGIN = 0.1
"""The same for rates, as a share of the control's, and for constructs, as a share of their range."""
LEVEL = 0.05
SPLIT = "people are not split between the arms as planned (sample ratio), so no difference can be trusted"


@dataclass(frozen=True, slots=True)
class Data:
    """What comparisons are made of."""

    ratings: pd.DataFrame
    answers: pd.DataFrame
    exposures: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one arm against the control."""

    metric: str
    primary: bool
    arm: str
    control: str
    difference: FigureValue
    """Arm minus control."""
    p: float | None
    """None when not estimable."""
    p_adjusted: float | None
    margin: float | None
    """Differences within this are too small to matter."""
    verdict: Verdict
    because: str
    """Why this verdict."""
    further: FurtherN | None = None
    """How many more people an arm would show a difference of ``margin``, at 80 % power and the family's strictest
    level; None when the verdict is clear, or nothing was estimable. See ``recux.stats.further_n`` for what it is worth.
    """


@dataclass(frozen=True, slots=True)
class Split:
    """How many people each arm has, against the plan."""

    counts: dict[str, int]
    p: float | None
    ok: bool | None
    reason: str | None


def sample_ratio(people: pd.DataFrame, weights: Mapping[str, float]) -> Split:
    """Whether the arms got the people that their weights plan. Arms with weight 0 are left out of the check."""
    found = people["arm"].value_counts()
    counts = {arm: int(found.get(arm, 0)) for arm in weights}
    planned = [arm for arm, weight in weights.items() if weight > 0]
    if len(planned) < 2:
        return Split(counts, None, None, "only one arm gets people")
    result: SampleRatio = srm([counts[arm] for arm in planned], [weights[arm] for arm in planned])
    return Split(counts, result.p, result.ok, result.reason)


def comparisons(
    data: Data, arms: Sequence[str], primary: str, *, recorded: set[str], split_ok: bool | None = True
) -> list[Comparison]:
    """Every arm against the first, by the primary metric and then by the others that were measured."""
    data = replace(data, answers=last_wave(data.answers))
    others = [metric for metric in measured(data, recorded) if metric != primary]
    first = _family([primary], data, arms, primary, split_ok)
    return first + _family(others, data, arms, primary, split_ok)


def measured(data: Data, recorded: set[str]) -> list[str]:
    """The metrics, besides constructs, that this study can compare arms by."""
    asked = set(data.answers["instrument"].unique())
    found = [] if data.ratings.empty else ["mean_rating"]
    found += [name for name in ("nps", "csat", "ces", "sus", "umux_lite") if name in asked]
    return found + [name for name, (_, kind) in RATES.items() if kind in recorded and not data.exposures.empty]


def compare(metric: str, data: Data, arm: str, control: str) -> tuple[Difference, float | None]:
    """Arm minus control by one metric, and the margin within which a difference does not matter."""
    a, b = _of_arm(data, control), _of_arm(data, arm)
    if metric == "nps":
        return compare_nps(single(a.answers, "nps"), single(b.answers, "nps")), MARGINS["nps"]
    if metric == "csat":
        ups = [(int((scores >= 4).sum()), len(scores)) for scores in (single(x.answers, "csat") for x in (a, b))]
        return compare_proportions(*ups[0], *ups[1]), MARGINS["csat"]
    if metric in RATES:
        column = RATES[metric][0]
        rate = float(a.exposures[column].mean()) if len(a.exposures) else 0.0
        return compare_means(_rates(a, column), _rates(b, column)), RELATIVE_MARGIN * rate or None
    values, margin = _values(metric, data)
    return compare_means(values(a), values(b)), margin


def _family(
    metrics: Sequence[str], data: Data, arms: Sequence[str], primary: str, split_ok: bool | None
) -> list[Comparison]:
    """Comparisons whose p-values are adjusted together."""
    pairs = [(metric, arm) for metric in metrics for arm in arms[1:]]
    found = [compare(metric, data, arm, arms[0]) for metric, arm in pairs]
    tested = [index for index, (result, _) in enumerate(found) if result.p is not None]
    adjusted = dict(zip(tested, holm([found[index][0].p or 0.0 for index in tested]), strict=True))
    together = []
    for index, ((metric, arm), (result, margin)) in enumerate(zip(pairs, found, strict=True)):
        difference = _figure(result, f"Difference in {metric}: {arm} minus {arms[0]}")
        p = adjusted.get(index)
        verdict, because = judge(difference, p, margin) if split_ok is not False else ("cannot_tell", SPLIT)
        one = Comparison(metric, metric == primary, arm, arms[0], difference, result.p, p, margin, verdict, because)
        more = further(result, margin, len(tested)) if verdict == "cannot_tell" and split_ok is not False else None
        together.append(replace(one, further=more))
    return together


def further(result: Difference, margin: float | None, family: int) -> FurtherN | None:
    """How many more people an arm would show a difference of ``margin`` among ``family`` tests looked at together."""
    if result.ci_low is None or result.ci_high is None or margin is None or min(result.n_a, result.n_b) < 2:
        return None
    se = (result.ci_high - result.ci_low) / (2 * critical_z(1 - LEVEL))  # exact methods have no standard error
    return further_n(se, result.n_a, result.n_b, margin, alpha=LEVEL / max(1, family)) if se > 0 else None


def judge(difference: FigureValue, p_adjusted: float | None, margin: float | None) -> tuple[Verdict, str]:
    """The verdict on a difference (more is better), and why."""
    value, low, high = difference.value, difference.ci_low, difference.ci_high
    if value is None or low is None or high is None:
        return "cannot_tell", difference.reason or "not estimable"
    if margin is not None and -margin <= low and high <= margin:
        return "equivalent", f"the whole interval is within {margin:.2g} of no difference"
    if p_adjusted is not None and p_adjusted < LEVEL:
        return ("better" if value > 0 else "worse"), f"adjusted p = {p_adjusted:.2g}, below {LEVEL}"
    if low > 0 or high < 0:
        return "cannot_tell", f"clear alone, but not among all that is looked at (adjusted p = {p_adjusted or 1:.2g})"
    return "cannot_tell", "the interval holds both no difference and differences that matter"


def _figure(result: Difference, definition: str) -> FigureValue:
    n = result.n_a + result.n_b
    if result.difference is None or result.ci_low is None or result.ci_high is None:
        return missing(result.reason or "not estimable", definition, n=n)
    return FigureValue(result.difference, result.ci_low, result.ci_high, n, definition, result.method)


def _of_arm(data: Data, arm: str) -> Data:
    return Data(*(rows[rows["arm"] == arm] for rows in (data.ratings, data.answers, data.exposures)))


def _values(metric: str, data: Data) -> tuple[Callable[[Data], Floats], float | None]:
    """How to get one value a person, and the margin."""
    simple: dict[str, Callable[[Data], Floats]] = {
        "mean_rating": lambda d: person_means(d.ratings, "rating"),
        "ces": lambda d: single(d.answers, "ces"),
        "sus": lambda d: sus_scores(d.answers),
        "umux_lite": lambda d: umux_scores(d.answers),
    }
    if metric in simple:
        return simple[metric], MARGINS[metric]
    name, _, construct_name = metric.partition(".")
    instrument = load(name) if name in available() else None
    construct = next((c for c in instrument.constructs if c.name == construct_name), None) if instrument else None
    if instrument is None or construct is None:
        return lambda _: np.empty(0), None
    questions = [question.name for question in instrument.questions]
    low, high = construct_range(instrument, construct)

    def scores(d: Data) -> Floats:
        wide = table(d.answers[d.answers["instrument"] == name], questions)
        return np.asarray(construct_scores(wide, instrument, construct), dtype=np.float64)

    return scores, RELATIVE_MARGIN * (high - low)


def _rates(data: Data, column: str) -> Floats:
    """One value a person whose mean is the arm's rate and whose spread is that of the linearised ratio."""
    if data.exposures.empty:
        return np.empty(0)
    done, shown, _ = per_person(data.exposures, column)
    rate = done.sum() / shown.sum()
    return np.asarray(rate + (done - rate * shown) / shown.mean(), dtype=np.float64)
