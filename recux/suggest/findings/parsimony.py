"""One cause, one suggestion: a segment that is low only because of another one in it is not reported as well.

A cohort that hates one category is lower overall, too, and so is the category. Narrow findings are taken first; a
wider one stays only if it still holds, in the same direction, without the rows of those taken before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from recux.suggest.columns import Flags, Floats, mean_by
from recux.suggest.contrasts import Contrasts, against_zero, moments, welch, within_person
from recux.suggest.family import discoveries
from recux.suggest.finding import Finding
from recux.suggest.frames import Evidence, frame
from recux.suggest.outcomes import level
from recux.suggest.segment import arm_number, people_where, rows_where

KINDS = ("segment", "arm_segment")
STILL = 0.05


def without_explained(e: Evidence, findings: Sequence[Finding]) -> list[Finding]:
    """The findings without discovered segments that another discovered segment explains."""
    metric, values = level(e)
    if not len(e.ratings):
        e = _as_rated(e, values)
    found = [f for kind in KINDS for f in discoveries(findings, kind)]
    found.sort(key=lambda f: (-len(f.where), f.p_adjusted or 0, f.p or 0))
    kept: list[Finding] = []
    for f in found:
        if _still_holds(e, f, kept) and not _whole_arm(e, f, findings):
            kept.append(f)
    whole = [f for f in discoveries(findings, "arm") if f.metric == metric]
    dropped = {id(f) for f in found} - {id(f) for f in kept}
    dropped |= {
        id(f) for f in whole if not _still_holds(e, f, [k for k in kept if k.where.get("arm") == f.where["arm"]])
    }
    return [f for f in findings if id(f) not in dropped]


def _as_rated(e: Evidence, values: Floats) -> Evidence:
    """A survey as if each person had given one rating: what the person is compared by."""
    person = np.flatnonzero(~np.isnan(values))
    none = np.full(len(person), -1)
    rows = {"id": none, "person": person, "item": none, "slate": none, "round": none, "rating": values[person]}
    arm, nothing = e.arm_of_person[person], np.full(len(person), np.nan)
    return replace(e, ratings=frame(**rows, arm=arm, position=nothing, at=nothing, comment=None))


def _still_holds(e: Evidence, f: Finding, kept: Sequence[Finding]) -> bool:
    rows, disturbed = np.ones(len(e.rating), dtype=bool), False
    for other in kept:
        if not _inside(f.where, other.where):
            rows &= ~rows_where(e, other.where)
            disturbed = True
    return not disturbed or _holds(contrast(e, f.where, rows), f.value)


def _inside(narrow: Mapping[str, str], wide: Mapping[str, str]) -> bool:
    """Whether `narrow` is a part of `wide`: then it was found as a difference within it and needs no defence."""
    return all(narrow.get(key) == value for key, value in wide.items())


def _holds(found: Contrasts, value: float) -> bool:
    t, df = float(found.t), float(found.df)
    return not np.isnan(t) and t * value > 0 and 2 * float(stats.t.sf(abs(t), df)) <= STILL


def _whole_arm(e: Evidence, f: Finding, findings: Sequence[Finding]) -> bool:
    """Whether an arm differs here only as it does everywhere."""
    same = [a for a in discoveries(findings, "arm") if a.where.get("arm") == f.where.get("arm")]
    if f.kind != "arm_segment" or not any(a.value * f.value > 0 for a in same):
        return False
    outside = contrast(
        e, {k: v for k, v in f.where.items() if k in ("arm", "control")}, ~rows_where(e, f.where, any_arm=True)
    )
    inside = contrast(e, f.where, np.ones(len(e.rating), dtype=bool))
    gap, se = float(inside.difference - outside.difference), float(np.hypot(inside.se, outside.se))
    return not (se > 0 and gap * f.value > 0 and abs(gap) / se >= 1.96)


def contrast(e: Evidence, where: Mapping[str, str], rows: Flags) -> Contrasts:
    """The comparison that a segment stands for, from the given rows of both halves; one cell."""
    people = people_where(e, where, any_arm=True)
    within = {key: where[key] for key in ("category", "position") if key in where}
    if "arm" in where and e.crossed:
        gap = e.mean_in(arm_number(e, where["arm"]), rows) - e.mean_in(arm_number(e, where["control"]), rows)
        return _cell(against_zero(moments(gap, np.where(people, 0, -1), 1)))
    if within:
        part = np.where(rows_where(e, within, any_arm=True)[rows], 0, 1)
        values = within_person(e.person[rows], part, e.rating[rows], e.n, 2)[:, 0]
    else:
        values = mean_by(np.where(rows, e.person, -1), e.rating, e.n)
    if "arm" in where:
        arm = e.arm_of_person
        side = np.where(arm == arm_number(e, where["control"]), 0, np.where(arm == arm_number(e, where["arm"]), 1, -1))
        side = np.where(people, side, -1)
    elif people.all():
        return _cell(against_zero(moments(values, np.zeros(e.n, dtype=np.int64), 1)))
    else:
        side = people.astype(np.int64)
    both = moments(values, side, 2)
    a, b = (type(both)(both.n[[i]], both.total[[i]], both.squares[[i]]) for i in (0, 1))
    return _cell(welch(a, b))


def _cell(contrasts: Contrasts) -> Contrasts:
    return contrasts.at(0)
