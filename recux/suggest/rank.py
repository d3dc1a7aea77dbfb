"""Which suggestion first: expected gain = effect x people affected x probability, for the effort it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recux.suggest.draft import Draft, practical
from recux.suggest.frames import Evidence
from recux.suggest.segment import people_where

PRIOR_HITS, PRIOR_MISSES = 2.0, 1.0
"""What a rule is worth before anything of it was judged: two hits and a miss."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Why a suggestion stands where it does."""

    effect: float
    """Predicted effect in units of the smallest effect worth having on that metric."""
    people: int
    """People whom the change reaches, of those seen in this round's evidence."""
    probability: float
    """Chance that it comes true: 1 - adjusted p (1 for counts) x the rule's hit rate so far."""

    @property
    def value(self) -> float:
        """The expected gain; divided by the effort it is the rank, and higher comes first."""
        return self.effect * self.people * self.probability

    def to_json(self) -> dict[str, Any]:
        """The three numbers."""
        return {"effect": self.effect, "people": self.people, "probability": self.probability}


def hit_rate(confirmed: int, judged: int) -> float:
    """A rule's hit rate, drawn to 2 / 3 while little was judged."""
    return (confirmed + PRIOR_HITS) / (judged + PRIOR_HITS + PRIOR_MISSES)


def rank_of(e: Evidence, draft: Draft, records: Mapping[str, tuple[int, int]]) -> Rank:
    """The draft's rank; `records` holds (confirmed, judged) by rule."""
    f = draft.finding
    effect = abs(draft.predicted.value) / practical(draft.predicted.metric)
    certain = 1.0 if f.p_adjusted is None else 1 - f.p_adjusted
    return Rank(effect, people_affected(e, draft), certain * hit_rate(*records.get(draft.rule, (0, 0))))


def people_affected(e: Evidence, draft: Draft) -> int:
    """People in the segment who do not have the change yet; arms of the wrong size spoil what is said of everybody."""
    affected = people_where(e, draft.finding.where, any_arm=True)
    arms = {number: arm.key for number, arm in enumerate(e.arms)}
    has_it = draft.plan.get("arm")
    only = None if has_it or draft.finding.kind == "sample_ratio" else draft.finding.where.get("arm")
    mine = np.array([arms.get(int(arm)) for arm in e.arm_of_person], dtype=object)
    if has_it:
        affected &= mine != has_it
    if only:
        affected &= mine == only
    return int(affected.sum())
