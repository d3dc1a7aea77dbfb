"""From rows to what the models learn from.

Everything that is in batches 1 to N and still counts. A person's history at a moment is what they rated strictly
before it, so that no text knows the future; rows without times have the moment they were received.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from db.queries import counts, in_batches
from db.tables import (
    LONGEST_DURATION,
    Answer,
    Arm,
    Batch,
    BatchRow,
    Impression,
    Item,
    Participant,
    Rating,
    Request,
    Response,
    Slate,
    Study,
)
from recux.learn.examples import Examples, RatingExample, RequestExample, SatisfactionExample
from recux.learn.splits import split_of
from recux.rounds.impressions import behaviour_examples, round_at
from recux.rounds.words import Words, of_study, rows_of, words_of


def examples_of(session: Session, study: Study, up_to: int) -> Examples:
    """What the encoder may learn from batches 1 to ``up_to``; withdrawn and test people left out."""
    ratings = ratings_of(session, study, up_to)
    words = words_of(session, study, ratings)
    return Examples(
        satisfaction=(*_comments(study, ratings), *_whys(session, study, up_to)),
        rating=tuple(_rated(study, words, ratings)),
        behaviour=tuple(behaviour_examples(session, study, words, up_to)),
    )


def ratings_of(session: Session, study: Study, up_to: int) -> Sequence[Any]:
    """The last revision of each rating within batches 1 to ``up_to``, in time order."""
    return rows_of(session, _ratings(study, up_to))


def request_examples(session: Session, study: Study, up_to: int) -> tuple[RequestExample, ...]:
    """The recommender's calls until the batch was closed."""
    statement = (
        sa.select(
            col(Request.id),
            col(Request.slate_id),
            col(Request.duration_ms),
            col(Request.outcome),
            col(Request.slate_size),
            col(Request.requested_at),
            col(Request.endpoint),
            col(Arm.key).label("arm"),
            col(Participant.external_id).label("participant"),
            round_at(col(Request.requested_at), study).label("round"),
        )
        .outerjoin(Arm, col(Arm.id) == col(Request.arm_id))
        .outerjoin(Slate, col(Slate.id) == col(Request.slate_id))
        .outerjoin(Participant, col(Participant.id) == col(Slate.participant_id))
        .where(of_study(Request, study), col(Request.requested_at) <= _closed_at(study, up_to))
    )
    categories = _categories(session, study)
    return tuple(
        RequestExample(
            key=f"request-{row.id}",
            participant=row.participant or f"request-{row.id}",
            split=split_of(row.participant or f"request-{row.id}", study.salt),
            duration_ms=min(row.duration_ms, LONGEST_DURATION),
            failed=row.outcome != "ok",
            slate_size=row.slate_size,
            hour=row.requested_at.hour,
            arm=row.arm or "",
            endpoint=row.endpoint or "",
            category=categories.get(row.slate_id, ""),
            round=row.round or up_to,
        )
        for row in rows_of(session, statement)
    )


def _categories(session: Session, study: Study) -> dict[int, str]:
    """The most common category of each slate that a call names; of equally common ones the first by name."""
    called = sa.select(col(Request.slate_id)).where(of_study(Request, study))
    statement = (
        sa.select(col(Impression.slate_id), col(Item.category), sa.func.count().label("items"))
        .join(Item, col(Item.id) == col(Impression.item_id))
        .where(col(Impression.slate_id).in_(called), col(Item.category).is_not(None))
        .group_by(col(Impression.slate_id), col(Item.category))
    )
    found: dict[int, str] = {}
    for row in sorted(rows_of(session, statement), key=lambda row: (-row.items, row.category)):
        found.setdefault(row.slate_id, row.category)
    return found


def _rated(study: Study, words: Words, ratings: Sequence[Any]) -> Iterator[RatingExample]:
    for row in ratings:
        yield RatingExample(
            key=f"rating-{row.id}",
            split=split_of(row.participant, study.salt),
            pair=words.pair(row.participant_id, row.item_id, row.moment),
            rating=row.rating,
            round=row.batch,
        )


def _comments(study: Study, ratings: Sequence[Any]) -> Iterator[SatisfactionExample]:
    for row in ratings:
        if (row.comment or "").strip():
            yield SatisfactionExample(
                key=f"rating-{row.id}",
                participant=row.participant,
                split=split_of(row.participant, study.salt),
                text=row.comment,
                satisfaction=row.rating,
                recommend=row.recommended,
                round=row.batch,
            )


def _whys(session: Session, study: Study, up_to: int) -> Iterator[SatisfactionExample]:
    """The reasons people gave, with the CSAT (and for the NPS question, promoter or detractor) given beside them."""
    statement = (
        sa.select(
            col(Answer.id),
            col(Answer.question),
            col(Answer.value),
            col(Answer.text),
            col(Response.instrument),
            col(Response.wave),
            col(Participant.external_id).label("participant"),
            _batch_of("answer", col(Answer.id)).label("batch"),
        )
        .join(Response, col(Response.id) == col(Answer.response_id))
        .join(Participant, col(Participant.id) == col(Response.participant_id))
        .where(of_study(Answer, study), counts(), col(Answer.id).in_(in_batches("answer", _id(study), up_to)))
        .where(col(Response.instrument).in_(("nps", "csat")))
        .order_by(col(Answer.id))
    )
    rows = rows_of(session, statement)
    scores = {(r.participant, r.wave, r.instrument): r.value for r in rows if r.question == "score"}
    latest = {(r.participant, r.wave, r.instrument): r for r in rows if r.question == "why" and (r.text or "").strip()}
    for (participant, wave, instrument), row in latest.items():
        satisfaction = scores.get((participant, wave, "csat"))
        recommend = _recommends(scores.get((participant, wave, "nps"))) if instrument == "nps" else None
        if satisfaction is not None or recommend is not None:
            yield SatisfactionExample(
                key=f"answer-{row.id}",
                participant=participant,
                split=split_of(participant, study.salt),
                text=row.text,
                satisfaction=satisfaction,
                recommend=recommend,
                round=row.batch,
            )


def _recommends(score: float | None) -> bool | None:
    """Promoters would, detractors would not; of the passives nobody knows."""
    if score is None or score in (7, 8):
        return None
    return score >= 9


def _ratings(study: Study, up_to: int) -> sa.Select[*tuple[Any, ...]]:
    moment = sa.func.coalesce(col(Rating.rated_at), col(Rating.received_at), type_=UTCDateTime())
    last = (
        sa.select(sa.func.max(col(Rating.id)))
        .where(of_study(Rating, study), col(Rating.id).in_(in_batches("rating", _id(study), up_to)))
        .group_by(col(Rating.row_key))
    )
    return (
        sa.select(
            col(Rating.id),
            col(Rating.participant_id),
            col(Rating.item_id),
            col(Rating.rating),
            col(Rating.comment),
            col(Rating.recommended),
            moment.label("moment"),
            col(Participant.external_id).label("participant"),
            _batch_of("rating", col(Rating.id)).label("batch"),
        )
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .where(of_study(Rating, study), counts(), col(Rating.id).in_(last))
        .order_by(moment, col(Rating.id))
    )


def _batch_of(kind: str, row_id: Any) -> sa.ScalarSelect[Any]:
    return (
        sa.select(col(Batch.number))
        .join(BatchRow, col(BatchRow.batch_id) == col(Batch.id))
        .where(col(BatchRow.kind) == kind, col(BatchRow.row_id) == row_id)
        .scalar_subquery()
    )


def _closed_at(study: Study, number: int) -> sa.ScalarSelect[Any]:
    here = (col(Batch.study_id) == study.id, col(Batch.number) == number)
    return sa.select(col(Batch.closed_at)).where(*here).scalar_subquery()


def _id(study: Study) -> int:
    assert study.id is not None  # it was read from the database
    return study.id
