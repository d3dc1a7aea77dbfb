"""Whose part of the sums has to be computed again, found without reading anybody's history."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import (
    Answer,
    Batch,
    CommentMark,
    Interaction,
    Participant,
    PersonAggregate,
    Rating,
    Request,
    Response,
    Slate,
    StudyAggregate,
)
from recux.evaluation.frames import among, unindexed
from recux.evaluation.rows import rows_in_batch

SLACK = 200
"""Rows before the last one seen that are looked at again: on Postgres a lower id may be committed later."""
REMAINDER = 1_000_003
Census = dict[str, list[int]]
TIMES: dict[str, tuple[Any, Any]] = {
    "slate": (Slate, Slate.served_at),
    "interaction": (Interaction, Interaction.occurred_at),
}


def touched(session: Session, batch: Batch, kept: StudyAggregate) -> set[int]:
    """People with anything new in or since the batch that is kept."""
    last = kept.settings["last"]
    slates = sa.select(col(Slate.participant_id))
    served = col(Slate.served_at) > kept.closed_at, col(Slate.served_at) <= batch.closed_at
    done = sa.select(col(Interaction.participant_id)).where(unindexed(col(Interaction.study_id), batch.study_id))
    called = sa.select(col(Request.slate_id)).where(unindexed(col(Request.study_id), batch.study_id))
    answered = sa.select(col(Answer.response_id)).where(_of_batch("answer", col(Answer.id), batch))
    statements = [
        sa.select(col(Rating.participant_id)).where(_of_batch("rating", col(Rating.id), batch)),
        sa.select(col(Response.participant_id)).where(col(Response.id).in_(answered)),
        slates.where(col(Slate.study_id) == batch.study_id, *served),
        slates.where(unindexed(col(Slate.study_id), batch.study_id), col(Slate.id) > last["slate"]),
        done.where(col(Interaction.id) > last["interaction"]),
        slates.where(col(Slate.id).in_(called.where(col(Request.id) > last["request"] - SLACK))),
    ]
    # without DISTINCT, for which SQLite would walk through everybody's rows in the order of people
    return {int(row[0]) for one in statements for row in session.connection().execute(one)}


def gone(session: Session, study: int) -> tuple[set[int], list[int]]:
    """People in the sums who do not count any more, or whose arm is another one now; and the former alone."""
    moved = col(Participant.arm_id).is_distinct_from(col(PersonAggregate.own_arm))
    statement = (
        sa.select(col(PersonAggregate.participant_id), counts())
        .join(Participant, col(Participant.id) == col(PersonAggregate.participant_id))
        .where(col(PersonAggregate.study_id) == study, col(PersonAggregate.arm) == "")
        .where(sa.or_(~counts(), moved))
    )
    rows = [(int(row[0]), bool(row[1])) for row in session.connection().execute(statement)]
    return {person for person, _ in rows}, [person for person, in_ in rows if not in_]


def census(session: Session, study: int, last: int) -> tuple[Census, Census, int]:
    """What changes when anybody is erased, changes arms, stops to count or counts again: of the people up to row
    ``last``, and of everybody; and the newest row.

    By arm: how many count, and the sums of their ids and of the ids' squares (of a remainder, so that they stay small).
    """
    id_ = col(Participant.id)
    newest = int(session.connection().execute(sa.select(sa.func.max(id_))).scalar() or 0)
    before = _counted(session, col(Participant.study_id) == study, id_ <= last)
    after = _counted(session, unindexed(col(Participant.study_id), study), id_ > last, id_ <= newest)
    both = {arm: [x + y for x, y in zip(before.get(arm, [0] * 3), after.get(arm, [0] * 3), strict=True)]
            for arm in before.keys() | after.keys()}  # fmt: skip
    return before, both, newest


def _counted(session: Session, *where: sa.ColumnElement[bool]) -> Census:
    arm, id_ = col(Participant.arm_id), col(Participant.id)
    rest = sa.cast(id_ % REMAINDER, sa.BigInteger())  # its square is beyond 32 bits
    sums = sa.func.count(), sa.func.sum(id_), sa.func.sum(rest * rest)
    statement: sa.Select[*tuple[Any, ...]] = sa.select(arm, *sums)
    rows = session.connection().execute(statement.where(*where, counts()).group_by(arm))
    return {str(row[0] or 0): [int(one) for one in row[1:]] for row in rows}


def sharing(session: Session, study: int, marks: set[int], people: set[int]) -> set[int]:
    """Other people who wrote one of these long comments too."""
    if not marks:
        return set()
    here = (col(CommentMark.study_id) == study, among(session, col(CommentMark.mark), sorted(marks)))
    rows = session.connection().execute(sa.select(col(CommentMark.participant_id)).where(*here).distinct())
    return {int(row[0]) for row in rows} - people


def last_rows(session: Session, batch: Batch, before: dict[str, int]) -> dict[str, int]:
    """By table, an id up to which every row is inside the batch's time, so that only later ones may be new."""
    found = {"request": _newest(session, Request)}
    for name, (table, time) in TIMES.items():
        id_, when = col(table.id), col(time)
        later = sa.select(sa.func.min(id_)).where(
            unindexed(col(table.study_id), batch.study_id), id_ > before.get(name, 0), when > batch.closed_at
        )
        first_later = session.connection().execute(later).scalar()
        newest = _newest(session, table)
        found[name] = max(0, (newest if first_later is None else int(first_later) - 1) - SLACK)
    return found


def _of_batch(kind: str, row_id: Any, batch: Batch) -> sa.ColumnElement[bool]:
    return sa.ColumnElement.in_(row_id, rows_in_batch(kind, batch.id))


def _newest(session: Session, table: Any) -> int:
    # of any study: ids are the table's, and the greatest one is found without counting
    return int(session.connection().execute(sa.select(sa.func.max(col(table.id)))).scalar() or 0)
