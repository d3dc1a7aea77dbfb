"""Invite links: a participant's only credential. A link works on any device and as often as needed."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Consent, Participant, Study
from db.tables import Session as BrowserSession
from recux.access.tokens import new_token, token_hash
from recux.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotOpen
from recux.ingest.values import BadValue, name


class Invite(NamedTuple):
    """A new link's secret; shown once, kept nowhere."""

    participant_id: str
    """The participant's external id."""
    token: str
    """Goes into ``{base_url}/join/{token}``."""


def _(message: str) -> str:
    """Marks words for the catalogue; whoever shows them translates them."""
    return message


CLOSED_DOORS = {
    "draft": _("This study has not started yet. Please come back later; the link stays the same."),
    "paused": _("This study is paused at the moment. Please come back later; the link stays the same."),
    "closed": _("This study is closed, and takes nobody new. Thank you for your interest."),
}
"""What somebody new reads, by the study's status."""


def create_invites(
    session: Session,
    study: Study,
    *,
    count: int | None = None,
    participant_ids: Sequence[str] | None = None,
    test: bool = False,
) -> list[Invite]:
    """New invites: for ``count`` new people with random pseudonyms, or for ``participant_ids`` (made when new), or,
    with neither, for everyone in the study who has none.

    A person who had a link gets a new one; the old link then stops working. ``test`` marks new people as test
    participants, whose answers never count. Raises InvalidInput when both or a count below 1 are given, or an id that
    an import would refuse; Conflict when the study is closed and a link would open nothing.
    """
    if count is not None and participant_ids is not None:
        raise InvalidInput("give either a count or participant ids, not both")
    if count is not None:
        people = _new_people(study, count, test=test)
        session.add_all(people)
    elif participant_ids is not None:
        people = [_person(session, study, external, test=test) for external in dict.fromkeys(participant_ids)]
    else:
        people = _without_invite(session, study)
    if study.status == "closed" and not all(person.id and _has_decided(session, person) for person in people):
        raise Conflict(f"the study {study.slug} is closed; nobody can come in any more")
    return [_invite(person) for person in people]


def revoke_invites(session: Session, study: Study, participant_ids: Sequence[str]) -> int:
    """End these people's links and sign their browsers out; what they gave stays. Returns how many links ended.

    Raises NotFound that names the first id which is nobody's.
    """
    ended = 0
    for external in dict.fromkeys(participant_ids):
        where = select(Participant).where(Participant.study_id == study.id, Participant.external_id == external.strip())
        person = session.exec(where).first()
        if person is None:
            raise NotFound(f"there is no participant {external!r} in the study {study.slug}")
        ended += person.invite_hash is not None
        person.invite_hash = None
        session.add(person)
        session.exec(sa.delete(BrowserSession).where(col(BrowserSession.participant_id) == person.id))
    session.flush()
    return ended


def participant_of_invite(session: Session, token: str) -> Participant:
    """Whose link this is. Raises NotAllowed, in words for the person, when it opens nothing (now)."""
    found = session.exec(
        select(Participant, Study)
        .join(Study, col(Study.id) == Participant.study_id)
        .where(Participant.invite_hash == token_hash(token))
    ).first()
    if found is None:
        raise NotAllowed(_("This link is not valid. Please check that you copied all of it."))
    participant, study = found
    if study.status == "draft" and not participant.test:
        raise NotOpen(CLOSED_DOORS["draft"])
    if study.status in {"paused", "closed"} and not _has_decided(session, participant):
        raise NotOpen(CLOSED_DOORS[study.status])
    return participant


def _has_decided(session: Session, participant: Participant) -> bool:
    """Who took part may always come back, to see or erase their data."""
    decided = select(Consent.id).where(Consent.participant_id == participant.id).limit(1)
    return session.exec(decided).first() is not None


def _new_people(study: Study, count: int, *, test: bool) -> list[Participant]:
    if count < 1:
        raise InvalidInput(f"count is {count}, must be at least 1")
    assert study.id is not None
    prefix = "test" if test else "p"
    return [
        Participant(study_id=study.id, external_id=f"{prefix}-{secrets.token_hex(5)}", test=test) for _ in range(count)
    ]


def _person(session: Session, study: Study, external_id: str, *, test: bool) -> Participant:
    try:
        known_as = name(external_id)
    except BadValue as error:
        raise InvalidInput(f"the participant id {external_id[:300]!r} {error}") from None
    if known_as is None:
        raise InvalidInput("a participant id is empty")
    where = select(Participant).where(Participant.study_id == study.id, Participant.external_id == known_as)
    person = session.exec(where).first()
    if person is None:
        assert study.id is not None
        person = Participant(study_id=study.id, external_id=known_as, test=test)
        session.add(person)
    return person


def _without_invite(session: Session, study: Study) -> list[Participant]:
    return list(
        session.exec(
            select(Participant)
            .where(
                Participant.study_id == study.id,
                col(Participant.invite_hash).is_(None),
                col(Participant.withdrawn_at).is_(None),
            )
            .order_by(col(Participant.id))
        )
    )


def _invite(person: Participant) -> Invite:
    token = new_token()
    person.invite_hash = token_hash(token)
    return Invite(person.external_id, token)
