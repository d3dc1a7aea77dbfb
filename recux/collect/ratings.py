"""Ratings given in the pages: each change is a new revision, and the last one counts.

The functions that take a connection are what a click runs: they expect that the person may answer
(:func:`recux.collect.consent.require_answering`) in the same transaction, which makes it the person's only writer.
"""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Impression, Participant, Rating, now
from recux.collect.consent import require_consent
from recux.collect.opinions import Place, Stars, place_of
from recux.errors import InvalidInput
from recux.plain_text import clean


def save_rating(
    session: Session, participant: Participant, impression: Impression, *, rating: float, comment: str | None = None
) -> Rating:
    """Keep what the person thinks of an item shown to them: 1 to 5 stars, and a comment if any.

    The same rating and comment again change nothing; a difference becomes a new, current revision. ``comment`` is
    the whole comment: None takes an earlier one back, which stays in the history.
    Raises NotAllowed (no consent, withdrawn, study not open, somebody else's slate) and InvalidInput.
    """
    require_consent(session, participant)
    assert participant.id is not None and impression.id is not None  # noqa: PT018 - both are stored
    connection = session.connection()
    place = place_of(connection, participant.id, impression.id)
    _keep(connection, place, _current(connection, place), rating, comment)
    revisions = select(Rating).where(Rating.study_id == place.study_id, Rating.row_key == place.key)
    fresh = session.exec(revisions.order_by(col(Rating.id)).execution_options(populate_existing=True))
    return fresh.all()[-1]


def save_stars(connection: sa.Connection, place: Place, before: Stars | None, stars: float) -> Stars:
    """Keep the stars of an item, and the comment as it was ``before``. Raises InvalidInput."""
    return _keep(connection, place, before, stars, before.comment if before else None)


def save_comment(connection: sa.Connection, place: Place, before: Stars | None, comment: str | None) -> Stars:
    """Keep the comment on an item, and its stars as they were ``before``. Raises InvalidInput, also when there are no
    stars yet, which the page asks for first.
    """
    if before is None:
        raise InvalidInput("a comment needs stars first; choose some")
    return _keep(connection, place, before, before.rating, comment)


def _current(connection: sa.Connection, place: Place) -> Stars | None:
    row = connection.execute(_CURRENT, {"study": place.study_id, "key": place.key}).first()
    return Stars(row.id, row.rating, row.comment) if row else None


def _keep(connection: sa.Connection, place: Place, before: Stars | None, rating: float, comment: str | None) -> Stars:
    """Make ``rating`` and ``comment`` the current revision, unless they are."""
    if rating not in range(1, 6):
        raise InvalidInput(f"rating is {rating}, must be a whole number from 1 to 5")
    comment = clean(comment)
    if before is not None:
        if (before.rating, before.comment) == (rating, comment):
            return before
        connection.execute(_RETIRE, {"study": place.study_id, "key": place.key})  # first: only one may be current
    at = now()
    row = {
        "study_id": place.study_id,
        "participant_id": place.participant_id,
        "item_id": place.item_id,
        "slate_id": place.slate_id,
        "row_key": place.key,
        "current": True,
        "rating": rating,
        "comment": comment,
        "rated_at": at,
        "received_at": at,
    }
    return Stars(connection.execute(_INSERT, row).one().id, rating, comment)


_OF_PLACE = (
    col(Rating.study_id) == sa.bindparam("study"),
    col(Rating.row_key) == sa.bindparam("key"),
    sa.text("rating.current"),
)
_CURRENT = sa.select(col(Rating.id), col(Rating.rating), col(Rating.comment)).where(*_OF_PLACE)
_RETIRE = sa.update(Rating).where(*_OF_PLACE).values(current=False)
_INSERT = sa.insert(Rating).returning(col(Rating.id))
