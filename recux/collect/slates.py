"""The list of items a person rates: made once, shown again after a reload and on other devices."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import read_session, write_session
from db.tables import Consent, Impression, Item, Participant, Slate, Study, now
from recux.collect.assignment import assign_arm
from recux.collect.consent import OPEN, decision_of, require_consent, standing
from recux.collect.opinions import NOTHING, Mark, Opinion, Place, Stars, opinions
from recux.ingest.keys import rating_key
from recux.recommend import ask, make_slate
from recux.recommend.remote import RemoteAnswer


@dataclass(frozen=True)
class Card:
    """One item of a slate, with what the person said about it so far."""

    impression: Impression
    item: Item
    opinion: Opinion

    @property
    def rating(self) -> Stars | None:
        """The stars that count now, and their comment."""
        return self.opinion.stars

    @property
    def marks(self) -> frozenset[Mark]:
        """The marks that stand."""
        return self.opinion.marks

    @property
    def settled(self) -> bool:
        """Whether nothing more is asked about it: it has a rating, or is not for this person."""
        return self.opinion.settled


@dataclass(frozen=True)
class ShownSlate:
    """A slate with its cards in the order in which they are shown."""

    slate: Slate
    cards: tuple[Card, ...]

    @property
    def rated(self) -> int:
        """How many of the items have a rating."""
        return sum(card.rating is not None for card in self.cards)

    @property
    def settled(self) -> int:
        """How many of the items are dealt with: rated, or not for this person."""
        return sum(card.settled for card in self.cards)


def current_slate(session: Session, participant: Participant, *, period: int = 1) -> ShownSlate | None:
    """The slate that the pages showed to this person in ``period``, if any.

    A slate that was served before the person first consented came from elsewhere: an import of past lists.
    """
    since = _first_consent(session, participant)
    if since is None:
        return None
    served = select(Slate).where(
        Slate.participant_id == participant.id,
        col(Slate.served_at) >= since,
        sa.func.coalesce(col(Slate.period), 1) == period,
    )
    slate = session.exec(served.order_by(col(Slate.served_at).desc(), col(Slate.id).desc())).first()
    return _with_cards(session, slate) if slate else None


def places(shown: ShownSlate, participant: Participant) -> dict[int, Place]:
    """Where the person's opinions on the items of their slate go, by impression id; nothing is read for it."""
    slate = shown.slate
    return {
        card.impression.id or 0: Place(
            card.impression.id or 0,
            card.item.id or 0,
            slate.id or 0,
            slate.study_id,
            slate.participant_id,
            rating_key(participant.external_id, card.item.external_id, slate.external_id, None),
        )
        for card in shown.cards
    }


def slate_for(
    session: Session, participant: Participant, *, period: int = 1, answer: RemoteAnswer | None = None
) -> ShownSlate:
    """The person's slate of a period; made, put in order and marked as shown when there is none yet.

    ``answer`` is what a recommender over HTTP returned beforehand (``recux.recommend.ask``).
    Raises NotAllowed without consent, Conflict when there is nothing to show.
    """
    require_consent(session, participant)
    shown = current_slate(session, participant, period=period)
    if shown is None:
        arm = assign_arm(session, participant, period=period)
        study = session.get_one(Study, participant.study_id)
        slate = make_slate(session, participant, size=study.slate_size, answer=answer, arm=arm)
        slate.period = period
        if study.shuffle:
            shuffle_slate(session, study, slate)
        shown = _with_cards(session, slate)
        _mark_shown(session, shown)
    return shown


def open_slate(engine: sa.Engine, participant_id: int, *, period: int = 1) -> ShownSlate:
    """The person's slate, in transactions of its own: none is open while a recommender over HTTP is asked.

    Raises NotAllowed without consent, also when there is a slate, and Conflict when there is nothing to show.
    """
    with read_session(engine) as session:
        person = session.get_one(Participant, participant_id)
        shown = current_slate(session, person, period=period)
        if shown is not None and standing(session, person) == OPEN and decision_of(session, person):
            return shown
    with write_session(engine) as session:
        participant = session.get_one(Participant, participant_id)
        require_consent(session, participant)
        arm = assign_arm(session, participant, period=period)
        size = session.get_one(Study, participant.study_id).slate_size
    answer = ask(engine, participant_id, size=size, arm=arm)
    with write_session(engine) as session:
        person = session.get_one(Participant, participant_id)
        return slate_for(session, person, period=period, answer=answer)


def shuffle_slate(session: Session, study: Study, slate: Slate) -> None:
    """Put the slate's items in a random order, which the study's salt decides; their ranks keep the recommender's."""

    def lot(impression: Impression) -> str:
        return hashlib.sha256(f"{study.salt}/positions/{slate.external_id}/{impression.rank}".encode()).hexdigest()

    of_slate = select(Impression).where(Impression.slate_id == slate.id).order_by(col(Impression.position))
    impressions = list(session.exec(of_slate))
    for rank, impression in enumerate(impressions, start=1):
        impression.rank, impression.position = rank, len(impressions) + rank
    session.flush()  # positions must be free before others move into them
    for position, impression in enumerate(sorted(impressions, key=lot), start=1):
        impression.position = position
    session.flush()


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
    said = opinions(session.connection(), slate.id or 0, slate.participant_id)
    return ShownSlate(
        slate, tuple(Card(impression, item, said.get(item.id or 0, NOTHING)) for impression, item in rows)
    )


def _mark_shown(session: Session, shown: ShownSlate) -> None:
    at = now()
    for card in shown.cards:
        card.impression.shown_at = at
    session.add_all(card.impression for card in shown.cards)
    session.flush()
