"""Ratings given in the pages: each change is a new revision, and the last one counts."""

from sqlmodel import Session, select

from db.tables import Impression, Item, Participant, Rating, Slate, now
from recux.collect.consent import require_consent
from recux.collect.words import clean
from recux.errors import InvalidInput, NotAllowed
from recux.ingest.keys import rating_key


def save_rating(
    session: Session, participant: Participant, impression: Impression, *, rating: float, comment: str | None = None
) -> Rating:
    """Keep what the person thinks of an item shown to them: 1 to 5 stars, and a comment if any.

    The same rating and comment again change nothing; a difference becomes a new, current revision. ``comment`` is
    the whole comment: None takes an earlier one back, which stays in the history.
    Raises NotAllowed (no consent, withdrawn, study not open, somebody else's slate) and InvalidInput.
    """
    if rating not in range(1, 6):
        raise InvalidInput(f"rating is {rating}, must be a whole number from 1 to 5")
    comment = clean(comment)
    require_consent(session, participant)
    slate = session.get_one(Slate, impression.slate_id)
    if slate.participant_id != participant.id:
        raise NotAllowed(f"slate {slate.external_id!r} was not made for participant {participant.external_id!r}")
    before = rating_of(session, participant, impression)
    if before is not None and (before.rating, before.comment) == (rating, comment):
        return before
    key = _key(session, participant, impression, slate)
    return _revise(session, before, _new(slate, impression, key, rating, comment))


def rating_of(session: Session, participant: Participant, impression: Impression) -> Rating | None:
    """The revision that counts of the person's rating of this item in this slate, if there is one."""
    slate = session.get_one(Slate, impression.slate_id)
    key = _key(session, participant, impression, slate)
    return session.exec(
        select(Rating).where(Rating.study_id == participant.study_id, Rating.row_key == key, Rating.current)
    ).first()


def _key(session: Session, participant: Participant, impression: Impression, slate: Slate) -> str:
    item = session.get_one(Item, impression.item_id)
    # The time is left out: all revisions of a rating given on a slate are one rating.
    return rating_key(participant.external_id, item.external_id, slate.external_id, None)


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
