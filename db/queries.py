"""Selects that more than one caller needs."""

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from db.tables import Answer, Arm, Batch, BatchRow, ModelVersion, Participant, Rating, Response, Round, Study


def study_by_slug(session: Session, slug: str) -> Study | None:
    """The study with this slug, or None."""
    return session.exec(select(Study).where(Study.slug == slug)).first()


def arms_of(session: Session, study_id: int) -> list[Arm]:
    """The study's arms; the first is the control."""
    return list(session.exec(select(Arm).where(Arm.study_id == study_id).order_by(col(Arm.id))))


def rounds_of(session: Session, study_id: int) -> list[Round]:
    """The study's rounds, oldest first."""
    return list(session.exec(select(Round).where(Round.study_id == study_id).order_by(col(Round.number))))


def counts() -> sa.ColumnElement[bool]:
    """The condition on a joined participant: their feedback counts (not withdrawn, not rejected, not a test)."""
    return col(Participant.withdrawn_at).is_(None) & col(Participant.rejected_at).is_(None) & ~col(Participant.test)


def counting_ratings(study_id: int) -> SelectOfScalar[Rating]:
    """Current ratings of people whose feedback counts."""
    return (
        select(Rating)
        .join(Participant, col(Participant.id) == Rating.participant_id)
        .where(Rating.study_id == study_id, Rating.current, counts())
    )


def counting_answers(study_id: int) -> SelectOfScalar[Answer]:
    """Current answers of people whose feedback counts."""
    return (
        select(Answer)
        .join(Response, col(Response.id) == Answer.response_id)
        .join(Participant, col(Participant.id) == Response.participant_id)
        .where(Answer.study_id == study_id, Answer.current, counts())
    )


def in_batches(kind: str, study_id: int, up_to: int) -> sa.ScalarSelect[int]:
    """Ids of the rows of ``kind`` (``rating`` or ``answer``) that are in batches 1 to ``up_to`` of the study."""
    return (
        sa.select(col(BatchRow.row_id))
        .join(Batch, col(Batch.id) == BatchRow.batch_id)
        .where(col(BatchRow.kind) == kind, col(Batch.study_id) == study_id, col(Batch.number) <= up_to)
        .scalar_subquery()
    )


def champion_of(session: Session, study_id: int, head: str) -> ModelVersion | None:
    """The model that serves ``head`` in the study, or None before the first was promoted."""
    here = (ModelVersion.study_id == study_id, ModelVersion.head == head, ModelVersion.champion)
    return session.exec(select(ModelVersion).where(*here)).first()
