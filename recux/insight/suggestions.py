"""The board of suggestions, what lies behind one of them, and how good they have been."""

from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import counts
from db.tables import Item, Participant, Rating, Study, Suggestion, SuggestionEvent, User
from recux.masking import mask
from recux.suggest.score_cards import ScoreCard, score_cards

ORDER = ("proposed", "accepted", "implemented", "judged", "declined", "expired")
QUOTES = 5


class Step(NamedTuple):
    """One step in the life of a suggestion."""

    at: datetime
    kind: str
    actor: str
    payload: dict[str, Any]


def board(session: Session, study: Study) -> list[Suggestion]:
    """All suggestions: those to decide on first, and among equals the one with the highest rank."""
    found = session.exec(select(Suggestion).where(Suggestion.study_id == study.id))
    return sorted(found, key=lambda one: (ORDER.index(one.status), -one.rank, one.id))


def cards(session: Session, study: Study) -> list[ScoreCard]:
    """The record of all rules together, then of each rule that ever fired in the study."""
    return score_cards(session, study)


def history(session: Session, suggestion: Suggestion) -> list[Step]:
    """Its steps so far, oldest first."""
    rows = select(SuggestionEvent).where(SuggestionEvent.suggestion_id == suggestion.id)
    return [Step(e.at, e.kind, e.actor, e.payload) for e in session.exec(rows.order_by(col(SuggestionEvent.id)))]


def owners(session: Session) -> list[str]:
    """Addresses of the accounts that may see to a suggestion."""
    return list(session.exec(select(User.email).where(col(User.disabled_at).is_(None)).order_by(User.email)))


def quotes(session: Session, suggestion: Suggestion, *, limit: int = QUOTES) -> pd.DataFrame:
    """Some of the comments behind a suggestion: ``item``, ``rating``, ``comment``; personal data are masked."""
    ids = [*suggestion.evidence.get("comments", []), *suggestion.evidence.get("ratings", [])]
    statement = (
        sa.select(col(Item.title), col(Rating.rating), col(Rating.comment))
        .join(Item, col(Item.id) == col(Rating.item_id))
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .where(col(Rating.id).in_(ids[:500]), sa.func.length(sa.func.trim(col(Rating.comment))) > 0, counts())
        .order_by(col(Rating.rating), col(Rating.id))
        .limit(limit)
    )
    table = pd.DataFrame(session.connection().execute(statement).all(), columns=["item", "rating", "comment"])
    return table.assign(comment=table["comment"].map(mask))
