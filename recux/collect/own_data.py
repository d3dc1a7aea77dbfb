"""A person's own data: to read, to take out of every later batch, to erase."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from db.tables import (
    Answer,
    Batch,
    BatchRow,
    Consent,
    ConsentText,
    Impression,
    Interaction,
    Item,
    Participant,
    Rating,
    Response,
    Slate,
    Study,
    now,
)
from recux.collect.consent import lock
from recux.operate.erasures import note_person
from recux.spreadsheet import safe_cell

ABOUT = ("external_id", "cohort", "interests", "language", "attributes", "created_at", "finished_at", "withdrawn_at")


def export(session: Session, participant: Participant) -> dict[str, Any]:
    """Everything kept about the person, every revision included, ready for JSON; times in ISO 8601, UTC."""
    return {
        "study": session.get_one(Study, participant.study_id).title,
        "participant": _picked(participant, *ABOUT),
        "consent": _consents(session, participant),
        "recommendations": _recommendations(session, participant),
        "ratings": _ratings(session, participant),
        "answers": _answers(session, participant),
        "interactions": _interactions(session, participant),
    }


def as_csv(kept: dict[str, Any]) -> str:
    """What :func:`export` gave as one table: a row for each thing kept; the first column says what it is.

    Cells that a spreadsheet would run as a formula are disarmed.
    """
    records = [(kind, one) for kind, some in kept.items() for one in _as_list(kind, some)]
    columns = list(dict.fromkeys(name for _kind, one in records for name in one))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\r\n")  # RFC 4180
    writer.writerow(["record", *columns])
    for kind, one in records:
        writer.writerow([kind, *(safe_cell(_cell(one.get(name))) for name in columns)])
    return table.getvalue()


def withdraw(session: Session, participant: Participant) -> None:
    """Take the person's data out of every later batch and figure; doing it again changes nothing."""
    lock(session, participant)
    if participant.withdrawn_at is None:
        participant.withdrawn_at = now()
        session.add(participant)
        note_person(session, participant, "withdrawal")


def erase(session: Session, participant: Participant) -> None:
    """Delete the person and all that they gave. Closed batches keep only hashes of the rows that were theirs."""
    note_person(session, participant)
    session.exec(sa.delete(Participant).where(col(Participant.id) == participant.id))
    session.expunge(participant)


def batches_with(session: Session, participant: Participant) -> list[int]:
    """Numbers of the closed batches that hold something of this person: models may have learned from it."""
    ratings = sa.select(col(Rating.id)).where(col(Rating.participant_id) == participant.id)
    answers = (
        sa.select(col(Answer.id))
        .join(Response, col(Response.id) == Answer.response_id)
        .where(col(Response.participant_id) == participant.id)
    )
    theirs = sa.or_(
        sa.and_(col(BatchRow.kind) == "rating", col(BatchRow.row_id).in_(ratings)),
        sa.and_(col(BatchRow.kind) == "answer", col(BatchRow.row_id).in_(answers)),
    )
    numbers = select(Batch.number).join(BatchRow, col(BatchRow.batch_id) == Batch.id).where(theirs).distinct()
    return sorted(session.exec(numbers))


def _consents(session: Session, participant: Participant) -> list[dict[str, Any]]:
    rows = session.exec(
        select(Consent, ConsentText)
        .join(ConsentText, col(ConsentText.id) == Consent.consent_text_id)
        .where(Consent.participant_id == participant.id)
        .order_by(col(Consent.id))
    )
    return [
        _picked(consent, "given", "decided_at") | _picked(text, "version", "language", "text") for consent, text in rows
    ]


def _recommendations(session: Session, participant: Participant) -> list[dict[str, Any]]:
    rows = session.exec(
        select(Slate, Impression, Item)
        .join(Impression, col(Impression.slate_id) == Slate.id)
        .join(Item, col(Item.id) == Impression.item_id)
        .where(Slate.participant_id == participant.id)
        .order_by(col(Slate.id), col(Impression.position))
    )
    return [
        {"slate": slate.external_id, "item": item.title} | _picked(impression, "position", "explanation", "shown_at")
        for slate, impression, item in rows
    ]


def _ratings(session: Session, participant: Participant) -> list[dict[str, Any]]:
    rows = _with_items(session, participant, Rating)
    names = ("rating", "comment", "recommended", "rated_at", "received_at", "current")
    return [{"item": title} | _picked(rating, *names) for rating, title in rows]


def _interactions(session: Session, participant: Participant) -> list[dict[str, Any]]:
    rows = _with_items(session, participant, Interaction)
    return [{"item": title} | _picked(event, "kind", "occurred_at", "dwell_ms") for event, title in rows]


def _with_items(
    session: Session, participant: Participant, table: type[Rating] | type[Interaction]
) -> Sequence[tuple[SQLModel, str]]:
    return session.exec(
        select(table, Item.title)
        .join(Item, col(Item.id) == table.item_id)
        .where(table.participant_id == participant.id)
        .order_by(col(table.id))
    ).all()


def _answers(session: Session, participant: Participant) -> list[dict[str, Any]]:
    rows = session.exec(
        select(Response, Answer)
        .join(Answer, col(Answer.response_id) == Response.id)
        .where(Response.participant_id == participant.id)
        .order_by(col(Answer.id))
    )
    names = ("question", "wording", "value", "text", "refused", "answered_at", "received_at", "current")
    return [
        _picked(response, "instrument", "version", "language", "wave", "shown") | _picked(answer, *names)
        for response, answer in rows
    ]


def _picked(row: SQLModel, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _as_list(kind: str, some: Any) -> list[dict[str, Any]]:
    if isinstance(some, list):
        return some
    return [some] if isinstance(some, dict) else [{kind: some}]


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
