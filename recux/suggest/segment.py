"""Segments: which people and which of their ratings a finding is about."""

from collections.abc import Mapping

import numpy as np

from recux.suggest.columns import THIRDS, Cut, Flags
from recux.suggest.frames import TRAITS, Evidence

LONGEST = 255  # characters that the database keeps of a segment's name


def name_of(where: Mapping[str, str]) -> str:
    """The segment's name, such as `cohort=young; category=shoes`; empty for everyone."""
    name = "; ".join(f"{key}={value}" for key, value in where.items())
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def people_where(e: Evidence, where: Mapping[str, str], *, any_arm: bool = False) -> Flags:
    """Which people are in the segment, shape (people,); with `any_arm` whatever their arm."""
    chosen = np.ones(e.n, dtype=bool)
    for trait in TRAITS:
        if trait in where:
            chosen &= _is(e.traits[trait], where[trait])
    if "arm" in where and not any_arm:
        chosen &= e.arm_of_person == arm_number(e, where["arm"])
    return chosen


def rows_where(e: Evidence, where: Mapping[str, str], *, any_arm: bool = False) -> Flags:
    """Which ratings are in the segment, shape (ratings,)."""
    rows = people_where(e, where, any_arm=True)[e.person]
    if "arm" in where and not any_arm:
        rows &= e.arm_of_rating == arm_number(e, where["arm"])
    if "category" in where:
        rows &= _is(e.category, where["category"])
    if "position" in where:
        rows &= e.third == (THIRDS.index(where["position"]) if where["position"] in THIRDS else -2)
    return rows


def _is(cut: Cut, name: str) -> Flags:
    codes, names = cut
    return np.asarray(codes == (names.index(name) if name in names else -2))


def arm_number(e: Evidence, key: str) -> int:
    """Number of the arm with this key; -2, which nobody has, when the study has no such arm."""
    return next((number for number, arm in enumerate(e.arms) if arm.key == key), -2)
