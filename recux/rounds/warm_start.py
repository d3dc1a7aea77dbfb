"""What a round's training starts from: the encoder that serves, or its base model."""

from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import (
    Answer,
    Batch,
    BatchRow,
    Erasure,
    Interaction,
    ModelVersion,
    Participant,
    Rating,
    Response,
    Round,
    Slate,
)

WARM = ("satisfaction", "rating", "behaviour")


def start_from(session: Session, round_: Round, serving: dict[str, ModelVersion | None], home: Path) -> Path | None:
    """Folder of the fine-tuned encoder to go on from; None for the base model.

    The base model it is when nothing was fine-tuned yet, when another base model is asked for, and when someone whose
    words, answers or clicks the encoder learned from has withdrawn or was erased since: the new model then knows
    nothing of them.
    """
    version = serving_encoder(serving)
    if version is None:
        return None
    settings = round_.config.get("settings", {})
    if (round_.config.get("base_model") or settings.get("base_model")) not in (None, version.base_model):
        return None
    return None if _left_since(session, session.get_one(Round, version.round_id)) else home / version.folder


def base_model_of(session: Session, round_: Round, serving: dict[str, ModelVersion | None]) -> str | None:
    """The base model of the study's encoder: the one that serves, else the last that was trained; None before any."""
    if (encoder := serving_encoder(serving)) is not None:
        return encoder.base_model
    here = (
        ModelVersion.study_id == round_.study_id,
        ModelVersion.round_id != round_.id,
        ModelVersion.name == "encoder",
    )
    last = session.exec(select(ModelVersion).where(*here).order_by(col(ModelVersion.round_id).desc())).first()
    return last.base_model if last else None


def serving_encoder(serving: dict[str, ModelVersion | None]) -> ModelVersion | None:
    """The first fine-tuned encoder among the models that serve."""
    return next((one for kind in WARM if (one := serving[kind]) is not None and not one.baseline), None)


def _left_since(session: Session, round_: Round) -> bool:
    """Whether someone whose rows the round learned from withdrew after it had begun, or such a row is gone.

    Of a row that is gone nobody knows since when: the round may have come later, but need not. Impressions are in no
    batch; who was erased may have had some.
    """
    batch, since = session.get_one(Batch, round_.batch_id), round_.started_at or round_.created_at
    here = (col(Batch.study_id) == round_.study_id, col(Batch.number) <= round_.number)
    left = col(Participant.withdrawn_at) > since
    stays = col(Participant.withdrawn_at).is_(None) | ~left
    ratings = sa.select(col(Rating.id)).join(Participant, col(Participant.id) == col(Rating.participant_id))
    answers = (
        sa.select(col(Answer.id))
        .join(Response, col(Response.id) == col(Answer.response_id))
        .join(Participant, col(Participant.id) == col(Response.participant_id))
    )
    kept = {
        "rating": ratings.where(col(Rating.id) == col(BatchRow.row_id), stays).exists(),
        "answer": answers.where(col(Answer.id) == col(BatchRow.row_id), stays).exists(),
    }
    lost = (
        sa.select(sa.literal(1))
        .select_from(BatchRow)
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(*here, sa.or_(*((col(BatchRow.kind) == kind) & ~found for kind, found in kept.items())))
    )
    clicks = sa.select(col(Interaction.id)).where(
        col(Interaction.study_id) == round_.study_id, col(Interaction.kind).in_(("click", "purchase"))
    )
    shown = (
        sa.select(sa.literal(1))
        .select_from(Slate)
        .join(Participant, col(Participant.id) == col(Slate.participant_id))
        .where(col(Slate.study_id) == round_.study_id, left, clicks.exists())
        .where(col(Slate.served_at).is_(None) | (col(Slate.served_at) <= batch.closed_at))
    )
    erased = sa.select(sa.literal(1)).where(col(Erasure.at) > since, col(Erasure.kind) == "person", clicks.exists())
    return any(session.connection().execute(one.limit(1)).first() is not None for one in (lost, shown, erased))
