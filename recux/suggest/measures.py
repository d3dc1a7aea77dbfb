"""Figures of a whole round that belong to no single person: judged before and after, never beside a control."""

from collections.abc import Callable, Mapping

import numpy as np

from recux.stats import Difference
from recux.suggest.columns import missing
from recux.suggest.findings.data import duplicates, shown_items
from recux.suggest.findings.feedback import reliability
from recux.suggest.findings.models import measure as model_measure
from recux.suggest.frames import Evidence
from recux.suggest.segment import arm_number, people_where

Where = Mapping[str, str]
Measured = tuple[float, float]
"""Value and half the width of its interval."""


def alpha(e: Evidence, where: Where) -> Measured | None:
    """Cronbach's alpha of the construct."""
    found = [f for f in reliability(e) if f.where == dict(where)]
    return (found[0].value, (found[0].high - found[0].low) / 2) if found else None


def people(e: Evidence, where: Where) -> Measured | None:
    """People of the segment who answered."""
    answered = np.zeros(e.n, dtype=bool)
    answered[e.person] = True
    return float((answered & people_where(e, where, any_arm=True)).sum()), 0.0


def unknown_token_share(e: Evidence, where: Where) -> Measured | None:
    """Share of tokens that the encoder does not know."""
    share = e.shares.get("unknown_token_share")
    return None if share is None else (share, 0.0)


def assigned_share(e: Evidence, where: Where) -> Measured | None:
    """Share of people in the arm."""
    total = len(e.arm_of_person)
    arm = arm_number(e, where.get("arm", ""))
    return (float((e.arm_of_person == arm).mean()), 0.0) if total else None


def duplicate_share(e: Evidence, where: Where) -> Measured | None:
    """Share of items that repeat another's words."""
    return (float(duplicates(e).mean()), 0.0) if len(e.items) else None


def missing_share(e: Evidence, where: Where) -> Measured | None:
    """Share of the items that people saw that lack the field."""
    seen = shown_items(e) if len(e.items) else np.zeros(0, dtype=bool)
    return (float(missing(e.items[where["field"]])[seen].mean()), 0.0) if seen.any() else None


MEASURES: Mapping[str, Callable[[Evidence, Where], Measured | None]] = {
    "alpha": alpha,
    "people": people,
    "unknown_token_share": unknown_token_share,
    "assigned_share": assigned_share,
    "duplicate_share": duplicate_share,
    "missing_share": missing_share,
}


def change_of(metric: str, where: Where, before: Evidence, after: Evidence) -> Difference:
    """Change of a figure from one evidence to the other; half widths are added in quadrature."""
    first, then = (_measure(metric, where, e) for e in (before, after))
    if first is None or then is None:
        return Difference(None, None, None, None, 0, 0, "before and after", None, "the figure no longer exists")
    change, half = then[0] - first[0], float(np.hypot(first[1], then[1]))
    return Difference(change, change - half, change + half, None, before.n, after.n, "before and after", half / 1.96)


def _measure(metric: str, where: Where, e: Evidence) -> Measured | None:
    if metric in MEASURES:
        return MEASURES[metric](e, where)
    return model_measure(e, metric, where)
