"""Whose part of the sums has to be computed again, found without reading anybody's history."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import (
    Answer,
    Batch,
    BatchRow,
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
from recux.evaluation.frames import among

SLACK = 200
"""Rows before the last one seen that are looked at again: on Postgres a lower id may be committed later."""
TIMES: dict[str, tuple[Any, Any]] = {
    "slate": (Slate, Slate.served_at),
    "interaction": (Interaction, Interaction.occurred_at),
}


def touched(session: Session, batch: Batch, kept: StudyAggregate) -> set[int]:
    """People with anything new in or since the batch that is kept, and people who left or changed arms."""
    last = kept.settings["last"]
    slates = sa.select(col(Slate.participant_id)).where(col(Slate.study_id) == batch.study_id)
    served = col(Slate.served_at) > kept.closed_at, col(Slate.served_at) <= batch.closed_at
    done = sa.select(col(Interaction.participant_id)).where(col(Interaction.study_id) == batch.study_id)
    called = sa.select(col(Slate.participant_id)).join(Request, col(Request.slate_id) == col(Slate.id))
    statements = [
        _in_batch("rating", Rating, col(Rating.participant_id), batch),
        _in_batch("answer", Answer, col(Response.participant_id), batch).join(
            Response, col(Response.id) == col(Answer.response_id)
        ),
        slates.where(*served),
        slates.where(col(Slate.id) > last["slate"]),
        done.where(col(Interaction.id) > last["interaction"]),
        called.where(col(Request.study_id) == batch.study_id, col(Request.id) > last["request"] - SLACK),
    ]
    found = {int(row[0]) for one in statements for row in session.connection().execute(one.distinct())}
    return found | gone(session, batch.study_id)


def gone(session: Session, study: int) -> set[int]:
    """People in the sums who do not count any more, or whose arm is another one now."""
    moved = col(Participant.arm_id).is_distinct_from(col(PersonAggregate.own_arm))
    statement = (
        sa.select(col(PersonAggregate.participant_id))
        .join(Participant, col(Participant.id) == col(PersonAggregate.participant_id))
        .where(col(PersonAggregate.study_id) == study, col(PersonAggregate.arm) == "")
        .where(sa.or_(~counts(), moved))
    )
    return {int(row[0]) for row in session.connection().execute(statement)}


def leavers(session: Session, study: int) -> list[int]:
    """People in the sums who do not count any more."""
    statement = (
        sa.select(col(PersonAggregate.participant_id))
        .join(Participant, col(Participant.id) == col(PersonAggregate.participant_id))
        .where(col(PersonAggregate.study_id) == study, col(PersonAggregate.arm) == "", ~counts())
    )
    return [int(row[0]) for row in session.connection().execute(statement)]


def sharing(session: Session, study: int, marks: set[int], people: set[int]) -> set[int]:
    """Other people who wrote one of these long comments too."""
    if not marks:
        return set()
    here = (col(CommentMark.study_id) == study, among(session, col(CommentMark.mark), sorted(marks)))
    rows = session.connection().execute(sa.select(col(CommentMark.participant_id)).where(*here).distinct())
    return {int(row[0]) for row in rows} - people


def last_rows(session: Session, batch: Batch, before: dict[str, int]) -> dict[str, int]:
    """By table, an id up to which every row is inside the batch's time, so that only later ones may be new."""
    found = {"request": _newest(session, Request, batch.study_id)}
    for name, (table, time) in TIMES.items():
        id_, when = col(table.id), col(time)
        later = sa.select(sa.func.min(id_)).where(
            col(table.study_id) == batch.study_id, id_ > before.get(name, 0), when > batch.closed_at
        )
        first_later = session.connection().execute(later).scalar()
        newest = _newest(session, table, batch.study_id)
        found[name] = max(0, (newest if first_later is None else int(first_later) - 1) - SLACK)
    return found


def _in_batch(kind: str, table: Any, person: Any, batch: Batch) -> sa.Select[Any]:
    joined = sa.select(person).join_from(BatchRow, table, col(BatchRow.row_id) == col(table.id))
    return joined.where(col(BatchRow.kind) == kind, col(BatchRow.batch_id) == batch.id)


def _newest(session: Session, table: Any, study: int) -> int:
    # of any study: ids are the table's, and the greatest one is found without counting
    return int(session.connection().execute(sa.select(sa.func.max(col(table.id)))).scalar() or 0)
