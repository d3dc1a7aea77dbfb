"""What people wrote, to be read by people: found, filtered, and without personal data."""

import re

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Arm, Item, Participant, Rating, Study

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
LONG_NUMBER = re.compile(r"(?<!\w)\+?\d(?:[\s./()-]{0,3}\d){6,}(?!\w)")
"""Seven digits or more, however grouped: telephone, card and account numbers."""
COLUMNS = ("at", "arm", "cohort", "item", "category", "rating", "comment")


def mask(text: str) -> str:
    """``text`` with e-mail addresses and long numbers replaced.

    >>> mask("write to ann@example.org or +44 20 7946 0958")
    'write to [e-mail] or [number]'
    """
    return LONG_NUMBER.sub("[number]", EMAIL.sub("[e-mail]", text))


def comments(
    session: Session,
    study: Study,
    *,
    search: str = "",
    arm: str | None = None,
    stars: tuple[int, int] = (1, 5),
    limit: int = 500,
    raw: bool = False,
) -> pd.DataFrame:
    """The newest comments with these words (any case) and ratings: ``at``, ``arm`` (key), ``cohort``, ``item``,
    ``category``, ``rating``, ``comment``. Personal data are masked unless ``raw``.
    """
    said_at = sa.func.coalesce(col(Rating.rated_at), col(Rating.received_at), type_=Rating.__table__.c.received_at.type)  # type: ignore[attr-defined]
    statement = (
        sa.select(
            said_at,
            col(Arm.key),
            col(Participant.cohort),
            col(Item.title),
            col(Item.category),
            col(Rating.rating),
            col(Rating.comment),
        )
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .join(Item, col(Item.id) == col(Rating.item_id))
        .outerjoin(Arm, col(Arm.id) == col(Participant.arm_id))
        .where(col(Rating.study_id) == study.id, col(Rating.current), counts())
        .where(sa.func.length(sa.func.trim(col(Rating.comment))) > 0, col(Rating.rating).between(*stars))
        .order_by(said_at.desc(), col(Rating.id).desc())
        .limit(limit)
    )
    for word in search.split():
        statement = statement.where(col(Rating.comment).icontains(word, autoescape=True))
    if arm is not None:
        statement = statement.where(col(Arm.key) == arm)
    table = pd.DataFrame(session.connection().execute(statement).all(), columns=list(COLUMNS))
    return table if raw else table.assign(comment=table["comment"].map(mask))


def rated_with_comment(session: Session, study: Study) -> tuple[int, int]:
    """How many ratings carry a comment, and how many ratings there are."""
    has = sa.func.length(sa.func.trim(sa.func.coalesce(col(Rating.comment), ""))) > 0
    statement = (
        sa.select(sa.func.coalesce(sa.func.sum(sa.case((has, 1), else_=0)), 0), sa.func.count())
        .select_from(Rating)
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .where(col(Rating.study_id) == study.id, col(Rating.current), counts())
    )
    with_comment, ratings = session.connection().execute(statement).one()
    return int(with_comment), int(ratings)
