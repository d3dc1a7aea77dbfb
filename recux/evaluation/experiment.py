"""Arms against the control: was the split as planned, and is any arm better, worse, as good, or can nobody tell yet.

The primary metric decides; its p-values are adjusted over the arms (Holm). The other metrics are adjusted together,
over metrics and arms. Ranking figures are not among them: they only describe the order within the shown slates. Where
the same people saw both arms (crossover), arms are compared within people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import pandas as pd

from recux.evaluation.contrasts import as_figure, between, within
from recux.evaluation.figure import FigureValue
from recux.evaluation.mix import MixCheck, mix_check, noted
from recux.evaluation.recommendation import RATES
from recux.evaluation.satisfaction import last_wave
from recux.evaluation.values import MARGINS, RELATIVE_MARGIN, Data, margin_of, measured, values_of
from recux.stats import Difference, FurtherN, SampleRatio, further_n, holm, srm
from recux.stats.distributions import critical_z

__all__ = ["MARGINS", "RELATIVE_MARGIN", "Comparison", "Data", "Split", "compare", "comparisons", "measured"]

Verdict = Literal["better", "worse", "equivalent", "cannot_tell"]

LEVEL = 0.05
SPLIT = "people are not split between the arms as planned (sample ratio), so no difference can be trusted"
SAME_PEOPLE = 0.5
"""Share of an arm pair's raters who rated in both arms from which a study counts as a crossover, declared or not."""


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
    within: bool = False
    """Whether the same people saw both arms, and were compared with themselves."""
    mix: MixCheck | None = None
    """Where different people were compared and their mix of cohorts differs, by a test that is adjusted over all
    comparisons of the study: what that does to the difference."""

    def details(self) -> dict[str, Any]:
        """What is stored and reported beside the difference where the mix of cohorts differs; else nothing."""
        return {} if self.mix is None else self.mix.details()


class Compared(NamedTuple):
    """A comparison before it is judged among its family."""

    metric: str
    arm: str
    result: Difference
    margin: float | None
    within: bool
    mix: MixCheck | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """How many people each arm got while all were open, against the plan; in a crossover, how many met it first."""

    counts: dict[str, int]
    p: float | None
    ok: bool | None
    reason: str | None


def split_of(counts: dict[str, int], weights: Mapping[str, float]) -> Split:
    """Whether the arms got the people that their weights plan. Arms with weight 0 are left out of the check."""
    planned = [arm for arm, weight in weights.items() if weight > 0]
    if len(planned) < 2:
        return Split(counts, None, None, "only one arm gets people")
    result: SampleRatio = srm([counts[arm] for arm in planned], [weights[arm] for arm in planned])
    return Split(counts, result.p, result.ok, result.reason)


def comparisons(
    data: Data,
    arms: Sequence[str],
    primary: str,
    *,
    recorded: set[str],
    split_ok: bool | None = True,
    first: "pd.Series[str] | None" = None,
    crossover: bool = False,
    cohorts: "pd.Series[str] | None" = None,
) -> list[Comparison]:
    """Every arm against the first, by the primary metric and then by the others that were measured.

    ``first`` is the arm that each person met first, of those who met several; ``crossover`` says that this was planned.
    ``cohorts`` is the cohort by person, for the check of the mix; without it nothing is checked.
    """
    data = replace(data, answers=last_wave(data.answers, by_arm=True))
    others = [metric for metric in measured(data, recorded) if metric != primary]
    pairs = [(metric, arm) for metric in (primary, *others) for arm in arms[1:]]
    how: dict[str, Any] = {"first": first, "crossover": crossover, "cohorts": cohorts}
    found = [compare(metric, data, arm, arms[0], **how) for metric, arm in pairs]
    return judged(found, arms[0], primary, split_ok=split_ok) if pairs else []


def compare(
    metric: str,
    data: Data,
    arm: str,
    control: str,
    *,
    first: "pd.Series[str] | None" = None,
    crossover: bool = False,
    cohorts: "pd.Series[str] | None" = None,
) -> Compared:
    """Arm minus control by one metric; answers must be of one wave a person and arm."""
    a, b = data.of_arm(control), data.of_arm(arm)
    margin = margin_of(metric, data.instruments, _rate(metric, a))
    if first is None or not (crossover or same_people(a, b)):
        result = between(metric, a, b)
        mix = None
        if cohorts is not None:
            what = words(metric, arm, control)
            mix = mix_check(values_of(metric, a), values_of(metric, b), cohorts, result.difference, what)
        return Compared(metric, arm, result, margin, within=False, mix=mix)
    return Compared(metric, arm, within(metric, a, b, first == control), margin, within=True)


def words(metric: str, arm: str, control: str) -> str:
    """What a comparison is, to be shown."""
    return f"Difference in {metric}: {arm} minus {control}"


def _rate(metric: str, control: Data) -> float | None:
    """The control's click or purchase rate, all people's together."""
    if metric not in RATES or control.exposures.empty:
        return None
    return float(control.exposures[RATES[metric][0]].mean())


def same_people(a: Data, b: Data) -> bool:
    """Whether most of the people who rated in either arm rated in both."""
    in_a, in_b = (set(x.ratings["participant"]) for x in (a, b))
    return bool(in_a & in_b) and len(in_a & in_b) >= SAME_PEOPLE * len(in_a | in_b)


def judged(found: Sequence[Compared], control: str, primary: str, *, split_ok: bool | None = True) -> list[Comparison]:
    """All comparisons with their verdicts: the primary metric's are adjusted together, all others together, and the
    checks of the mix of cohorts over all of them.
    """
    checks = noted([one.mix for one in found])
    found = [one._replace(mix=check) for one, check in zip(found, checks, strict=True)]
    families = ([one for one in found if (one.metric == primary) is decides] for decides in (True, False))
    return [one for family in families for one in _family(family, control, primary, split_ok)]


def _family(found: Sequence[Compared], control: str, primary: str, split_ok: bool | None) -> list[Comparison]:
    tested = [index for index, one in enumerate(found) if one.result.p is not None]
    adjusted = dict(zip(tested, holm([found[index].result.p or 0.0 for index in tested]), strict=True))
    together = []
    for index, (metric, arm, result, margin, same, mix) in enumerate(found):
        who = ", within the same people" if same else ""
        difference = as_figure(result, f"{words(metric, arm, control)}{who}", paired=same)
        p = adjusted.get(index)
        verdict, because = judge(difference, p, margin) if split_ok is not False else ("cannot_tell", SPLIT)
        more = further(result, margin, len(tested)) if verdict == "cannot_tell" and split_ok is not False else None
        facts = (metric, metric == primary, arm, control, difference, result.p, p, margin, verdict, because)
        together.append(Comparison(*facts, more, same, mix))
    return together


def further(result: Difference, margin: float | None, family: int) -> FurtherN | None:
    """How many more people an arm would show a difference of ``margin`` among ``family`` tests looked at together."""
    if result.ci_low is None or result.ci_high is None or margin is None or min(result.n_a, result.n_b) < 2:
        return None
    se = (result.ci_high - result.ci_low) / (2 * critical_z(1 - LEVEL))  # exact methods have no standard error
    return further_n(se, result.n_a, result.n_b, margin, alpha=LEVEL / max(1, family)) if se > 0 else None


def judge(difference: FigureValue, p_adjusted: float | None, margin: float | None) -> tuple[Verdict, str]:
    """The verdict on a difference (more is better), and why.

    Better and worse need both the test and the interval: exact ones need not agree, and a figure whose interval holds 0
    is not announced as a difference.
    """
    value, low, high = difference.value, difference.ci_low, difference.ci_high
    if value is None or low is None or high is None:
        return "cannot_tell", difference.reason or "not estimable"
    if margin is not None and -margin <= low and high <= margin:
        return "equivalent", f"the whole interval is within {margin:.2g} of no difference"
    if low > 0 or high < 0:
        if p_adjusted is not None and p_adjusted < LEVEL:
            return ("better" if value > 0 else "worse"), f"adjusted p = {p_adjusted:.3g}, below {LEVEL}"
        corrected = f"adjusted p = {1 if p_adjusted is None else p_adjusted:.3g}"
        return "cannot_tell", f"significant alone, but not after correcting for all comparisons ({corrected})"
    return "cannot_tell", "the interval holds both no difference and differences that matter"
