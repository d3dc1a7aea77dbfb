"""Writing slates and the log of the recommender's calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlmodel import Session

from db.engine import insert_many
from db.tables import Arm, Impression, Participant, Request, Slate, Study


@dataclass(frozen=True, slots=True)
class Chosen:
    """One item of a slate to be."""

    item_id: int
    score: float | None = None
    explanation: str | None = None


def write_slate(
    session: Session,
    study: Study,
    participant: Participant,
    arm: Arm,
    chosen: Sequence[Chosen],
    *,
    source: str,
    model_version: str | None = None,
    served_at: datetime | None,
) -> Slate:
    """Add a slate and its impressions, positions in the order of ``chosen``; flushed."""
    assert study.id is not None  # it was read from the database
    assert participant.id is not None  # as was the person
    slate = Slate(
        study_id=study.id,
        participant_id=participant.id,
        arm_id=arm.id,
        external_id=f"{source}-{uuid4().hex}",
        source=source,
        model_version=model_version,
        served_at=served_at,
    )
    session.add(slate)
    session.flush()
    rows = (
        {
            "slate_id": slate.id,
            "item_id": one.item_id,
            "position": position,
            "score": one.score,
            "explanation": one.explanation,
        }
        for position, one in enumerate(chosen, start=1)
    )
    insert_many(session, Impression, list(rows))
    return slate


def log_request(
    session: Session,
    study: Study,
    arm: Arm,
    *,
    requested_at: datetime,
    duration_ms: float,
    outcome: str,
    endpoint: str,
    slate: Slate,
    slate_size: int | None,
    http_status: int | None = None,
) -> None:
    """Add one call to the recommender: ``outcome`` is ``ok``, ``error`` or ``timeout``."""
    assert study.id is not None  # it was read from the database
    session.add(
        Request(
            study_id=study.id,
            arm_id=arm.id,
            slate_id=slate.id,
            row_key=uuid4().hex,
            requested_at=requested_at,
            duration_ms=duration_ms,
            outcome=outcome,
            http_status=http_status,
            endpoint=endpoint,
            slate_size=slate_size,
        )
    )
    session.flush()
