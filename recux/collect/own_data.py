"""A person's own data: to read, to take out of every later batch, to erase."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from db.tables import (
    Answer,
    Batch,
    BatchRow,
    CommentReading,
    CommentTag,
    CommentTheme,
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
from db.tables import Session as BrowserSession
from recux.collect.consent import lock
from recux.operate.erasures import note_person
from recux.spreadsheet import safe_cell

ABOUT = (
    "external_id", "cohort", "interests", "language", "attributes", "test", "created_at", "invited_at", "reminded_at",
    "finished_at", "withdrawn_at", "rejected_at", "rejected_for",
)  # fmt: skip
CAME_BY = {"invite": "a personal link", "open": "the open link of the study", "panel": "a panel"}


def export(session: Session, participant: Participant, *, panel_ids: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Everything kept about the person, every revision included, ready for JSON; times in ISO 8601, UTC.

    Left out are the arm, which would tell what is compared, and what is computed from the rest: sums, and hashes of
    comments. ``panel_ids`` are what a panel sent, unsealed.
    """
    return {
        "study": session.get_one(Study, participant.study_id).title,
        "participant": _picked(participant, *ABOUT) | {"came_by": CAME_BY[participant.came_by]},
        "panel": [{"name": name, "value": value} for name, value in (panel_ids or {}).items()],
        "signed_in": _signed_in(session, participant),
        "consent": _consents(session, participant),
        "recommendations": _recommendations(session, participant),
        "ratings": _ratings(session, participant),
        "answers": _answers(session, participant),
        "interactions": _interactions(session, participant),
        "comments_as_read": _comments_as_read(session, participant),
        "comment_tags": _comment_tags(session, participant),
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


def _signed_in(session: Session, participant: Participant) -> list[dict[str, Any]]:
    """When the person's browsers signed in, and until when they stay so."""
    mine = select(BrowserSession).where(BrowserSession.participant_id == participant.id)
    rows = session.exec(mine.order_by(col(BrowserSession.created_at)))
    return [_picked(row, "created_at", "expires_at") for row in rows]


def _comments_as_read(session: Session, participant: Participant) -> list[dict[str, Any]]:
    """What the newest model made of the person's comments: what they are about, and how satisfied they sound."""
    comment = sa.func.coalesce(col(Rating.comment), col(Answer.text))
    statement = sa.select(comment, col(CommentTheme.words), col(CommentReading.expected)).select_from(CommentReading)
    statement = statement.outerjoin(CommentTheme, col(CommentTheme.id) == col(CommentReading.theme_id))
    return [
        {"comment": text, "about": words, "predicted_satisfaction": expected}
        for text, words, expected in session.connection().execute(_of_comments(statement, CommentReading, participant))
    ]


def _comment_tags(session: Session, participant: Participant) -> list[dict[str, Any]]:
    """Words that the study's team put on the person's comments."""
    comment = sa.func.coalesce(col(Rating.comment), col(Answer.text))
    statement = sa.select(comment, col(CommentTag.tag), col(CommentTag.created_at)).select_from(CommentTag)
    return [
        {"comment": text, "tag": tag, "created_at": at.isoformat()}
        for text, tag, at in session.connection().execute(_of_comments(statement, CommentTag, participant))
    ]


def _of_comments(
    statement: sa.Select[*tuple[Any, ...]], table: type[CommentReading] | type[CommentTag], participant: Participant
) -> sa.Select[*tuple[Any, ...]]:
    """``statement``, of the person's comments alone: given with ratings, or as answers."""
    return (
        statement.outerjoin(Rating, col(Rating.id) == table.rating_id)
        .outerjoin(Answer, col(Answer.id) == table.answer_id)
        .outerjoin(Response, col(Response.id) == col(Answer.response_id))
        .where(sa.or_(col(Rating.participant_id) == participant.id, col(Response.participant_id) == participant.id))
        .order_by(col(table.id))
    )


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
