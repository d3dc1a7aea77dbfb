"""The kept sums and parts, in and out of the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from db.engine import insert_many
from db.tables import ArmAggregate, CommentMark, PersonAggregate, StudyAggregate
from recux.evaluation import later
from recux.evaluation.aggregates.calls import Calls
from recux.evaluation.aggregates.parts import Parts
from recux.evaluation.aggregates.sums import NO_ITEMS, Sums, from_json, sums_of, to_json
from recux.evaluation.frames import among

Ints = NDArray[np.int64]
FORMAT = 4
"""Raised when what is kept changes its meaning: then everything is computed again."""
SETTINGS = (
    "fields",
    "k",
    "longest",
    "untimed",
    "recorded",
    "cohorts",
    "instruments",
    "last",
    "oldest_call",
    "census",
    "rows",
)


@dataclass
class Kept:
    """All sums of a study."""

    fields: list[str] = field(default_factory=list)
    """Names of people's fields, in the order in which they are stored; new ones are put behind."""
    k: int = 0
    longest: int = 0
    untimed: bool = False
    """Whether slates have no times and all of them count."""
    recorded: list[str] = field(default_factory=list)
    cohorts: list[str] = field(default_factory=list)
    """Names of people's cohorts; a person's is the one that they had when they last took part."""
    instruments: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the study's, by id: a draft's may change, and then everything is computed again."""
    last: dict[str, int] = field(default_factory=dict)
    oldest_call: list[str] = field(default_factory=list)
    """Row id and time of the earliest call (empty: none); calls are deleted from the oldest on."""
    census: dict[str, list[int]] = field(default_factory=dict)
    """Of the people up to row ``last["participant"]``; see ``touched.census``."""
    rows: int = 0
    """People's stored parts; fewer mean that somebody was erased."""
    arms: dict[str, Sums] = field(default_factory=dict)
    others: dict[str, Sums] = field(default_factory=dict)
    """Not stored: the sums as they were, without the people whose parts are exchanged in this step."""
    calls: dict[str, Calls] = field(default_factory=dict)
    unknown: dict[str, list[int]] = field(default_factory=dict)
    """By arm, calls for nobody known and how many of them failed."""

    def sums(self, arm: str) -> Sums:
        """The sums of an arm; empty ones at first."""
        return self.arms.setdefault(arm, Sums())

    def durations(self, arm: str) -> Calls:
        """The durations of an arm's calls."""
        return self.calls.setdefault(arm, Calls(np.empty((0, 2))))

    def people(self) -> int:
        """Everybody in the sums."""
        return self.sums("").people("here")


def load(session: Session, row: StudyAggregate) -> Kept:
    """The kept sums."""
    settings = row.settings
    kept = Kept(**{name: settings[name] for name in SETTINGS})
    statement = sa.select(ArmAggregate.__table__).where(col(ArmAggregate.study_id) == row.study_id)  # type: ignore[attr-defined]
    for one in session.connection().execute(statement):
        kept.arms[one.arm] = from_json(one.sums, one.items)
        rows = np.frombuffer(one.calls, dtype=np.float64).reshape(-1, 2).copy()
        kept.calls[one.arm] = Calls(rows, one.sums["rounded"])
        kept.unknown[one.arm] = one.sums["unknown"]
    return kept


def parts_stored(session: Session, study: int) -> int:
    """How many parts of people are stored."""
    here = sa.select(sa.func.count()).select_from(PersonAggregate).where(col(PersonAggregate.study_id) == study)
    return int(session.connection().execute(here).scalar_one())


def save(session: Session, kept: Kept, *, study: int, batch: int, closed_at: datetime) -> None:
    """Replace the kept sums, after the parts of people that they are made of."""
    later.write(session, lambda at_last: _save(at_last, kept, study=study, batch=batch, closed_at=closed_at))


def _save(session: Session, kept: Kept, *, study: int, batch: int, closed_at: datetime) -> None:
    for table in (StudyAggregate, ArmAggregate):
        session.connection().execute(sa.delete(table).where(col(table.study_id) == study))
    kept.rows = parts_stored(session, study)
    settings = {name: getattr(kept, name) for name in SETTINGS} | {"format": FORMAT}
    row = {"study_id": study, "batch": batch, "closed_at": closed_at, "people": kept.people(), "settings": settings}
    insert_many(session, StudyAggregate, [row])
    rows = []
    for arm, sums in kept.arms.items():
        calls = kept.durations(arm)
        more = {"rounded": calls.rounded, "unknown": kept.unknown.get(arm, [0, 0])}
        here = {"study_id": study, "arm": arm, "sums": to_json(sums) | more}
        rows.append(here | {"items": sums.items.tobytes(), "calls": np.ascontiguousarray(calls.rows).tobytes()})
    insert_many(session, ArmAggregate, rows)


def old_sums(session: Session, kept: Kept, people: Sequence[int]) -> dict[str, Sums]:
    """By arm, what these people have in the sums now."""
    if not people:
        return {}
    statement = sa.select(col(PersonAggregate.arm), col(PersonAggregate.fields), col(PersonAggregate.items)).where(
        among(session, col(PersonAggregate.participant_id), people)  # they are of this study
    )
    by_arm: dict[str, list[tuple[bytes, bytes]]] = {}
    for row in session.connection().execute(statement):
        by_arm.setdefault(row[0], []).append((row[1], row[2]))
    found = {}
    for arm, rows in by_arm.items():
        matrix = np.full((len(rows), len(kept.fields)), np.nan)
        for place, (fields, _) in enumerate(rows):
            values = np.frombuffer(fields, dtype=np.float64)
            matrix[place, : len(values)] = values
        items = np.frombuffer(b"".join(items for _, items in rows), dtype=np.int64).reshape(-1, 3)
        found[arm] = sums_of(matrix, kept.fields, items)
    return found


def matrix_of(parts: Parts, fields: Sequence[str]) -> NDArray[np.float64]:
    """People x fields in the kept order."""
    return np.ascontiguousarray(parts.fields.reindex(columns=list(fields)).to_numpy(dtype=np.float64))


def items_of(parts: Parts) -> Ints:
    """Item, times, reacted; one row a person and item."""
    return parts.items[["item", "times", "reacted"]].to_numpy(dtype=np.int64) if len(parts.items) else NO_ITEMS


def replace_people(
    session: Session,
    fields: Sequence[str],
    study: int,
    people: Sequence[int] | None,
    *,
    parts: dict[str, Parts],
    own: dict[int, int],
) -> None:
    """Store these people's parts (None: everybody's) instead of their old ones; ``own`` are their arms' ids."""
    here = col(PersonAggregate.study_id) == study
    rows = {arm: list(_rows(part, fields, study, arm, own)) for arm, part in parts.items()}

    def replace(at_last: Session) -> None:
        mine = here if people is None else among(at_last, col(PersonAggregate.participant_id), people)
        at_last.connection().execute(sa.delete(PersonAggregate).where(mine))
        for stored in rows.values():
            insert_many(at_last, PersonAggregate, stored)

    later.write(session, replace)


def _rows(part: Parts, fields: Sequence[str], study: int, arm: str, own: dict[int, int]) -> Iterable[dict[str, Any]]:
    matrix, people = matrix_of(part, fields), part.fields.index.to_numpy()
    sorted_items = part.items.sort_values("participant")
    items = sorted_items[["item", "times", "reacted"]].to_numpy(dtype=np.int64)
    starts, ends = (np.searchsorted(sorted_items["participant"].to_numpy(), people, side) for side in ("left", "right"))
    for place, person in enumerate(people):
        yield {
            "participant_id": int(person),
            "arm": arm,
            "study_id": study,
            "own_arm": own.get(int(person)) or None,
            "fields": matrix[place].tobytes(),
            "items": items[starts[place] : ends[place]].tobytes(),
        }


def marks_of_others(session: Session, study: int, marks: Sequence[int], people: Sequence[int]) -> set[int]:
    """Which of ``marks`` stand in long comments of anybody but these people, as kept."""
    there = sa.select(col(CommentMark.participant_id), col(CommentMark.mark)).where(
        col(CommentMark.study_id) == study, among(session, col(CommentMark.mark), marks)
    )
    known = set(people)
    return {int(row[1]) for row in session.connection().execute(there) if int(row[0]) not in known}


def marks_of(session: Session, people: Sequence[int]) -> set[int]:
    """Marks of these people's long comments, as kept."""
    mine = among(session, col(CommentMark.participant_id), people)
    return {int(row[0]) for row in session.connection().execute(sa.select(col(CommentMark.mark)).where(mine))}


def replace_marks(session: Session, study: int, people: Sequence[int] | None, marks: pd.DataFrame) -> None:
    """Store these people's marks (None: everybody's; columns ``participant``, ``mark``) instead of their old ones."""
    here = col(CommentMark.study_id) == study
    rows = [
        {"participant_id": int(person), "mark": int(mark), "study_id": study}
        for person, mark in zip(marks["participant"], marks["mark"], strict=True)
    ]

    def replace(at_last: Session) -> None:
        mine = here if people is None else among(at_last, col(CommentMark.participant_id), people)
        at_last.connection().execute(sa.delete(CommentMark).where(mine))
        insert_many(at_last, CommentMark, rows)

    later.write(session, replace)
