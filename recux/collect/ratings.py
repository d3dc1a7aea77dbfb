"""Ratings given in the pages: each change is a new revision, and the last one counts."""

from collections.abc import Callable

from sqlmodel import Session, col, select

from db.tables import Impression, Item, Participant, Rating, Slate, now
from recux.collect.consent import require_consent
from recux.collect.words import clean
from recux.errors import InvalidInput, NotAllowed, NotFound
from recux.ingest.keys import rating_key


def save_rating(
    session: Session, participant: Participant, impression: Impression, *, rating: float, comment: str | None = None
) -> Rating:
    """Keep what the person thinks of an item shown to them: 1 to 5 stars, and a comment if any.

    The same rating and comment again change nothing; a difference becomes a new, current revision. ``comment`` is
    the whole comment: None takes an earlier one back, which stays in the history.
    Raises NotAllowed (no consent, withdrawn, study not open, somebody else's slate) and InvalidInput.
    """
    assert impression.id is not None  # it was shown, so it is stored
    return _change(session, participant, impression.id, lambda _before: (rating, comment))


def save_stars(session: Session, participant: Participant, impression_id: int, stars: float) -> Rating:
    """Keep the stars of an item, and the comment as it is. Raises as :func:`save_rating` does."""
    return _change(session, participant, impression_id, lambda before: (stars, before.comment if before else None))


def save_comment(session: Session, participant: Participant, impression_id: int, comment: str | None) -> Rating:
    """Keep the comment on an item, and its stars as they are. Raises as :func:`save_rating` does, and InvalidInput
    when there are no stars yet, which the page asks for first.
    """

    def changed(before: Rating | None) -> tuple[float, str | None]:
        if before is None:
            raise InvalidInput("a comment needs stars first; choose some")
        return before.rating, comment

    return _change(session, participant, impression_id, changed)


def _change(
    session: Session,
    participant: Participant,
    impression_id: int,
    changed: Callable[[Rating | None], tuple[float, str | None]],
) -> Rating:
    """The current revision after ``changed`` said what it is to be, given the one before.

    The person is locked first: the stars and the comment of one rating may come from two tabs at once.
    """
    require_consent(session, participant)
    impression, slate, item = _shown(session, impression_id)
    if slate.participant_id != participant.id:
        raise NotAllowed(f"slate {slate.external_id!r} was not made for participant {participant.external_id!r}")
    # The time is left out: all revisions of a rating given on a slate are one rating.
    key = rating_key(participant.external_id, item, slate.external_id, None)
    before = session.exec(
        select(Rating).where(Rating.study_id == participant.study_id, Rating.row_key == key, Rating.current)
    ).first()
    rating, comment = changed(before)
    if rating not in range(1, 6):
        raise InvalidInput(f"rating is {rating}, must be a whole number from 1 to 5")
    comment = clean(comment)
    if before is not None and (before.rating, before.comment) == (rating, comment):
        return before
    return _revise(session, before, _new(slate, impression, key, rating, comment))


def _shown(session: Session, impression_id: int) -> tuple[Impression, Slate, str]:
    """The impression, its slate, and the item's external id. Raises NotFound."""
    row = session.exec(
        select(Impression, Slate, Item.external_id)
        .join(Slate, col(Slate.id) == Impression.slate_id)
        .join(Item, col(Item.id) == Impression.item_id)
        .where(Impression.id == impression_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no impression {impression_id}")
    return row


def _new(slate: Slate, impression: Impression, key: str, rating: float, comment: str | None) -> Rating:
    return Rating(
        study_id=slate.study_id,
        participant_id=slate.participant_id,
        item_id=impression.item_id,
        slate_id=slate.id,
        row_key=key,
        rating=rating,
        comment=comment,
        rated_at=now(),
    )


def _revise(session: Session, before: Rating | None, after: Rating) -> Rating:
    if before is not None:
        before.current = False
        session.add(before)
        session.flush()  # before the new one: only one may be current
    session.add(after)
    session.flush()
    return after
