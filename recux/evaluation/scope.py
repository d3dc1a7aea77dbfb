"""Which rows of a study a figure is about: all that counts now, or what a round knew."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Arm, Batch, Study


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows of a study a figure is about."""

    study: int
    first: int | None = None
    """First batch; None with ``last`` None: everything that is current, batched or not."""
    last: int | None = None
    """Last batch."""
    after: datetime | None = None
    """Served, requested or done later than this (None: from the beginning)."""
    until: datetime | None = None
    """Served, requested or done no later than this (None: until now)."""
    people: tuple[int, ...] | None = None
    """Only these people's rows, by row id; None: everybody's."""


def live(study: Study) -> Scope:
    """Everything that counts at this moment."""
    return Scope(study_id(study))


def up_to(batch: Batch) -> Scope:
    """Everything in batches 1 to this one; calls and slates until it was closed."""
    return Scope(batch.study_id, 1, batch.number, None, batch.closed_at)


def alone(session: Session, batch: Batch) -> Scope:
    """The rows of this batch; calls and slates since the one before."""
    before = sa.select(col(Batch.closed_at)).where(
        col(Batch.study_id) == batch.study_id, col(Batch.number) == batch.number - 1
    )
    after = session.connection().execute(before).scalar()
    return Scope(batch.study_id, batch.number, batch.number, after, batch.closed_at)


def study_id(study: Study) -> int:
    """Id of a stored study."""
    assert study.id is not None  # it was read from, or flushed to, the database
    return study.id


def arm_keys(session: Session, study: int) -> dict[int, str]:
    """Keys of the study's arms by id; the first is the control."""
    statement = sa.select(col(Arm.id), col(Arm.key)).where(col(Arm.study_id) == study).order_by(col(Arm.id))
    return {int(row[0] or 0): row[1] for row in session.connection().execute(statement)}
