"""Selects that more than one caller needs."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Arm, Batch, BatchRow, ModelVersion, Participant, Round, Study


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
