"""The list of items a person rates: made once, shown again after a reload and on other devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import insert_many, read_session, write_session
from db.tables import Consent, Impression, Interaction, Item, Participant, Rating, Slate, Study, now
from recux.collect.assignment import assign_arm
from recux.collect.consent import require_consent
from recux.ingest.keys import row_key
from recux.recommend import ask, make_slate
from recux.recommend.remote import RemoteAnswer


@dataclass(frozen=True)
class Card:
    """One item of a slate, with what the person said about it so far."""

    impression: Impression
    item: Item
    rating: Rating | None


@dataclass(frozen=True)
class ShownSlate:
    """A slate with its cards in the order in which they are shown."""

    slate: Slate
    cards: tuple[Card, ...]

    @property
    def rated(self) -> int:
        """How many of the items have a rating."""
        return sum(card.rating is not None for card in self.cards)


def current_slate(session: Session, participant: Participant) -> ShownSlate | None:
    """The slate that the pages showed to this person, if any.

    A slate that was served before the person first consented came from elsewhere: an import of past lists.
    """
    since = _first_consent(session, participant)
    if since is None:
        return None
    served = select(Slate).where(Slate.participant_id == participant.id, col(Slate.served_at) >= since)
    slate = session.exec(served.order_by(col(Slate.served_at).desc(), col(Slate.id).desc())).first()
    return _with_cards(session, slate) if slate else None


def slate_for(session: Session, participant: Participant, *, answer: RemoteAnswer | None = None) -> ShownSlate:
    """The person's slate; made, marked as shown and its views logged when there is none yet.

    ``answer`` is what a recommender over HTTP returned beforehand (``recux.recommend.ask``).
    Raises NotAllowed without consent, Conflict when there is nothing to show.
    """
    require_consent(session, participant)
    shown = current_slate(session, participant)
    if shown is None:
        assign_arm(session, participant)
        size = session.get_one(Study, participant.study_id).slate_size
        shown = _with_cards(session, make_slate(session, participant, size=size, answer=answer))
        _mark_shown(session, shown)
    return shown


def open_slate(engine: sa.Engine, participant_id: int) -> ShownSlate:
    """The person's slate, in transactions of its own: none is open while a recommender over HTTP is asked."""
    with read_session(engine) as session:
        shown = current_slate(session, session.get_one(Participant, participant_id))
        if shown is not None:
            return shown
    with write_session(engine) as session:
        participant = session.get_one(Participant, participant_id)
        require_consent(session, participant)
        assign_arm(session, participant)
        size = session.get_one(Study, participant.study_id).slate_size
    answer = ask(engine, participant_id, size=size)
    with write_session(engine) as session:
        return slate_for(session, session.get_one(Participant, participant_id), answer=answer)


def _first_consent(session: Session, participant: Participant) -> datetime | None:
    decisions = select(Consent).where(Consent.participant_id == participant.id, Consent.given)
    first = session.exec(decisions.order_by(col(Consent.id))).first()
    return first.decided_at if first else None


def _with_cards(session: Session, slate: Slate) -> ShownSlate:
    rows = session.exec(
        select(Impression, Item)
        .join(Item, col(Item.id) == Impression.item_id)
        .where(Impression.slate_id == slate.id)
        .order_by(col(Impression.position))
    ).all()
    given = session.exec(select(Rating).where(Rating.slate_id == slate.id, Rating.current)).all()
    ratings = {rating.item_id: rating for rating in given if rating.participant_id == slate.participant_id}
    return ShownSlate(slate, tuple(Card(impression, item, ratings.get(item.id or 0)) for impression, item in rows))


def _mark_shown(session: Session, shown: ShownSlate) -> None:
    at = now()
    for card in shown.cards:
        card.impression.shown_at = at
    session.add_all(card.impression for card in shown.cards)
    insert_many(session, Interaction, _views(shown.slate, shown.cards, at))
    session.flush()


def _views(slate: Slate, cards: Sequence[Card], at: datetime) -> list[dict[str, object]]:
    return [
        {
            "study_id": slate.study_id,
            "participant_id": slate.participant_id,
            "item_id": card.impression.item_id,
            "slate_id": slate.id,
            "row_key": row_key(["page", card.impression.id, "view"]),
            "kind": "view",
            "occurred_at": at,
            "dwell_ms": None,
        }
        for card in cards
    ]
