"""Segments: which people and which of their ratings a finding is about."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recux.suggest.frames import TRAITS, Evidence, Flags, Floats, Ints, floats

LONGEST = 255  # characters that the database keeps of a segment's name
THIRDS = ("early", "middle", "late")
"""Of a list, by position."""


def name_of(where: Mapping[str, str]) -> str:
    """The segment's name, such as `cohort=young; category=shoes`; empty for everyone."""
    name = "; ".join(f"{key}={value}" for key, value in where.items())
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def people_where(e: Evidence, where: Mapping[str, str], *, any_arm: bool = False) -> Flags:
    """Which people are in the segment, shape (people,); with `any_arm` whatever their arm."""
    chosen = np.ones(e.n, dtype=bool)
    for trait in TRAITS:
        if trait in where:
            chosen &= (e.people[trait] == where[trait]).to_numpy(dtype=bool)
    if "arm" in where and not any_arm:
        chosen &= e.arm_of_person == arm_number(e, where["arm"])
    return chosen


def rows_where(e: Evidence, where: Mapping[str, str], *, any_arm: bool = False) -> Flags:
    """Which ratings are in the segment, shape (ratings,)."""
    rows = people_where(e, where, any_arm=any_arm)[e.person]
    if "category" in where:
        rows &= (e.category == where["category"]).to_numpy(dtype=bool)
    if "position" in where:
        third = thirds(floats(e.ratings["position"]), e.person, e.n)
        rows &= third == (THIRDS.index(where["position"]) if where["position"] in THIRDS else -2)
    return rows


def arm_number(e: Evidence, key: str) -> int:
    """Number of the arm with this key; -2, which nobody has, when the study has no such arm."""
    return next((number for number, arm in enumerate(e.arms) if arm.key == key), -2)


def thirds(position: Floats, person: Ints, people: int) -> Ints:
    """Third of the person's longest list that each position is in: 0, 1 or 2; -1 without a position.

    Lists of fewer than three positions have no thirds.
    """
    known = ~np.isnan(position)
    longest = np.zeros(people)
    np.maximum.at(longest, person[known], position[known])
    length = longest[person]
    with np.errstate(invalid="ignore", divide="ignore"):
        third = np.floor((position - 1) * 3 / length)
    usable = known & (length >= 3)
    return np.where(usable, np.where(usable, third, 0), -1).astype(np.int64)


def coded(column: pd.Series, most: int) -> tuple[Ints, list[str]]:
    """Codes and names of the `most` frequent values of a text column; -1 for missing and rarer ones."""
    codes, names = pd.factorize(column.to_numpy(dtype=object))
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    kept = np.argsort(-sizes, kind="stable")[:most]
    number = np.full(len(names) + 1, -1, dtype=np.int64)  # the last entry serves code -1
    number[kept] = np.arange(len(kept))
    return number[codes], [str(names[index]) for index in kept]
