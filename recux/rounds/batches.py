"""Batches: what was collected since the last one, closed once and never changed.

A batch keeps a hash per row and one over those hashes. When a person's rows are erased later, the row hashes stay, so
the batch can still be verified; what is left of it can still be compared row by row.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import insert_many
from db.queries import counts
from db.tables import Answer, Batch, BatchRow, Item, Participant, Rating, Response, Round, Study, now
from recux.errors import Conflict

Reason = Literal["size", "age", "hand"]
OLDEST_HOURS = 1e6
"""A century: studies that were made before the age had a limit may name one that reaches before all dates."""


def close_batch(
    session: Session, study: Study, *, closed_by: Reason = "hand", config: dict[str, Any] | None = None
) -> Round | None:
    """Close what has been collected since the last batch and open its round; None when there is nothing new.

    ``config`` is what the round is asked for (``base_model``, ``device``, ``seed``). Callers at the same moment are
    put in line by the lock on the study, so that a row enters one batch only.
    """
    if session.exec(select(Study.soft_limit).where(Study.id == study.id).with_for_update()).one() is not None:
        raise Conflict(f"{study.slug} is in its soft launch: keep or discard its answers before you close a batch")
    rows = {kind: session.connection().execute(fresh).all() for kind, fresh in _new(study).items()}
    if not any(rows.values()):
        return None
    members = [{"kind": kind, "row_id": row[0], "row_hash": row_hash(row[2:])} for kind in rows for row in rows[kind]]
    last = session.exec(select(sa.func.max(Batch.number)).where(Batch.study_id == study.id)).one()
    batch = Batch(
        study_id=_id(study),
        number=(last or 0) + 1,
        closed_by=closed_by,
        period_start=min(row[1] for kind in rows for row in rows[kind]),
        ratings=len(rows["rating"]),
        answers=len(rows["answer"]),
        content_hash=content_hash((m["kind"], m["row_id"], m["row_hash"]) for m in members),
    )
    session.add(batch)
    session.flush()
    insert_many(session, BatchRow, [member | {"batch_id": batch.id} for member in members])
    round_ = Round(study_id=_id(study), batch_id=_id(batch), number=batch.number, config=config or {})
    session.add(round_)
    session.flush()
    return round_


def due(session: Session, study: Study) -> Reason | None:
    """Whether the open batch should be closed by itself now. Never during a soft launch, whose answers may still be
    discarded.

    It is full (``size``) with the study's number of ratings, or of filled-in questionnaires where these are more; it
    is old (``age``) when its first rating or answer is.
    """
    if study.soft_limit is not None:
        return None
    of = {
        "rating": (col(Rating.id), col(Rating.received_at)),
        "answer": (col(Answer.response_id), col(Answer.received_at)),
    }
    waiting = []
    for kind, fresh in _new(study).items():
        thing, at = of[kind]
        totals = (sa.func.count(sa.distinct(thing)), sa.func.min(at))
        waiting.append(session.connection().execute(fresh.with_only_columns(*totals)).one())
    if max(count for count, _ in waiting) >= study.batch_size:
        return "size"
    hours = min(study.batch_max_age_hours, OLDEST_HOURS)
    limit = now() - timedelta(hours=hours)
    return "age" if any(oldest is not None and _aware(oldest) <= limit for _, oldest in waiting) else None


def verify_batch(session: Session, batch: Batch) -> list[str]:
    """Compare a batch with what was stored when it was closed; an empty list means that it is intact.

    Rows that were erased since are not a fault: their hashes still enter the batch's own.
    """
    stored = session.exec(select(BatchRow).where(BatchRow.batch_id == batch.id)).all()
    found = content_hash((row.kind, row.row_id, row.row_hash) for row in stored)
    faults = [] if found == batch.content_hash else [f"batch {batch.number}: its row hashes were changed"]
    study = session.get_one(Study, batch.study_id)
    for kind, read in (("rating", _ratings), ("answer", _answers)):
        hashes = {row.row_id: row.row_hash for row in stored if row.kind == kind}
        for row in session.connection().execute(read(study)):
            if row[0] in hashes and row_hash(row[2:]) != hashes[row[0]]:
                faults.append(f"batch {batch.number}: {kind} {row[0]} was changed after it was closed")
    return faults


def row_hash(values: Sequence[Any]) -> str:
    """128 bits of SHA-256 over the canonical JSON of a row's values, as 32 hex digits."""
    text = json.dumps([_plain(value) for value in values], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def content_hash(rows: Iterable[tuple[str, int, str]]) -> str:
    """SHA-256 over a batch's rows (kind, id, row hash), whatever order they come in."""
    digest = hashlib.sha256()
    for kind, row_id, hashed in sorted(rows):
        digest.update(f"{kind}:{row_id}:{hashed}\n".encode())
    return digest.hexdigest()


def _ratings(study: Study) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            col(Rating.id),
            col(Rating.received_at),
            col(Participant.external_id),
            col(Item.external_id).label("item"),
            col(Rating.rating),
            col(Rating.comment),
            col(Rating.recommended),
            col(Rating.rated_at),
        )
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .join(Item, col(Item.id) == col(Rating.item_id))
        .where(col(Rating.study_id) == study.id)
    )


def _answers(study: Study) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            col(Answer.id),
            col(Answer.received_at),
            col(Participant.external_id),
            col(Response.instrument),
            col(Response.version),
            col(Response.wave),
            col(Answer.question),
            col(Answer.value),
            col(Answer.text),
            col(Answer.refused),
        )
        .join(Response, col(Response.id) == col(Answer.response_id))
        .join(Participant, col(Participant.id) == col(Response.participant_id))
        .where(col(Answer.study_id) == study.id)
    )


def _new(study: Study) -> dict[str, sa.Select[*tuple[Any, ...]]]:
    """What the next batch would hold, by kind."""
    return {
        "rating": _ratings(study).where(col(Rating.current), counts(), _unbatched("rating", col(Rating.id))),
        "answer": _answers(study).where(col(Answer.current), counts(), _unbatched("answer", col(Answer.id))),
    }


def _unbatched(kind: str, row_id: Any) -> sa.ColumnElement[bool]:
    member = sa.select(col(BatchRow.row_id)).where(col(BatchRow.kind) == kind, col(BatchRow.row_id) == row_id)
    return ~member.exists()


def _plain(value: Any) -> Any:
    return _aware(value).isoformat() if isinstance(value, datetime) else value


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _id(row: Study | Batch) -> int:
    assert row.id is not None  # it was read from, or flushed to, the database
    return row.id
