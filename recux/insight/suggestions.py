"""The board of suggestions, and the words behind one of them."""

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import counts
from db.tables import Item, Participant, Rating, Study, Suggestion
from recux.insight.comments import mask

ORDER = ("proposed", "accepted", "implemented", "judged", "declined", "expired")
QUOTES = 5


def board(session: Session, study: Study) -> list[Suggestion]:
    """All suggestions: those to decide on first, and among equals the one with the highest rank."""
    found = session.exec(select(Suggestion).where(Suggestion.study_id == study.id))
    return sorted(found, key=lambda one: (ORDER.index(one.status), -one.rank, one.id))


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
