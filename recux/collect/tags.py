"""Tags that the team puts on comments by hand, beside the themes that a round finds."""

from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Answer, CommentTag, Rating, Study
from recux.errors import InvalidInput, NotFound

LONGEST = 40
Kind = Literal["rating", "answer"]


def tidy(tag: str) -> str:
    """A tag as it is kept: small letters, single blanks. Raises ``InvalidInput`` when nothing or too much is left."""
    found = " ".join(tag.lower().split())
    if not found or len(found) > LONGEST or not found.isprintable():
        raise InvalidInput(f"a tag has 1 to {LONGEST} letters; {tag[:50]!r} has {len(found)}")
    return found


def set_tags(session: Session, study: Study, kind: Kind, row_id: int, tags: list[str], *, by: str) -> None:
    """Let the comment have exactly these tags. Raises ``NotFound`` when the study has no such comment."""
    place = CommentTag.rating_id if kind == "rating" else CommentTag.answer_id
    row: Rating | Answer | None = session.get(Rating, row_id) if kind == "rating" else session.get(Answer, row_id)
    if row is None or row.study_id != study.id:
        raise NotFound("this comment is gone; its author may have taken it back")
    wanted = {tidy(tag) for tag in tags}
    held = set(session.exec(select(CommentTag.tag).where(col(place) == row_id)))
    gone = sa.delete(CommentTag).where(col(place) == row_id, col(CommentTag.tag).in_(held - wanted))
    session.connection().execute(gone)
    for tag in sorted(wanted - held):
        rating, answer = (row_id, None) if kind == "rating" else (None, row_id)
        session.add(CommentTag(study_id=row.study_id, rating_id=rating, answer_id=answer, tag=tag, created_by=by))
