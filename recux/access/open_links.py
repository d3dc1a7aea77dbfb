"""Open links: one link for many people. Each new browser, or each member of a panel, becomes one participant."""

import secrets
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Participant, Study
from recux.access import panels
from recux.access.invites import CLOSED_DOORS
from recux.access.tokens import new_token, token_hash
from recux.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotOpen


class Seats(NamedTuple):
    """How many people the open link brought, and how many it may bring."""

    taken: int
    """People who came in by it and have not withdrawn."""
    cap: int | None
    """None without a limit."""

    @property
    def full(self) -> bool:
        """Whether nobody else may come in."""
        return self.cap is not None and self.taken >= self.cap


def _(message: str) -> str:
    """Marks words for the catalogue; whoever shows them translates them."""
    return message


def open_link(session: Session, study: Study, *, cap: int | None, secret: str = "") -> str:
    """Make the study's open link, or renew it: the token of ``{base_url}/join/{token}``, shown once and kept nowhere.

    An earlier open link stops working; who came in by it stays in. ``cap`` is how many people may come in all told,
    None for no limit. Raises InvalidInput for a cap below 1, Conflict when the study is closed, and Unavailable when
    the study has a panel but ``secret`` (``RECUX_SECRET_KEY``) cannot seal its ids.
    """
    if study.status == "closed":
        raise Conflict(f"the study {study.slug} is closed; nobody can come in any more")
    if study.panel:
        panels.keys_from(secret)
    set_cap(session, study, cap)
    token = new_token()
    study.open_hash = token_hash(token)
    session.add(study)
    session.flush()
    return token


def set_cap(session: Session, study: Study, cap: int | None) -> None:
    """Let at most ``cap`` people come in by the open link, None for no limit; who is in stays in."""
    if cap is not None and not 1 <= cap <= 1_000_000:
        raise InvalidInput(f"the cap is {cap}, must be from 1 to 1000000")
    study.open_cap = cap
    session.add(study)
    session.flush()


def revoke_open_link(session: Session, study: Study) -> None:
    """End the open link. Raises NotFound when there is none."""
    if study.open_hash is None:
        raise NotFound(f"the study {study.slug} has no open link")
    study.open_hash = None
    session.add(study)
    session.flush()


def seats(session: Session, study: Study) -> Seats:
    """How many people the study's open link brought, and may bring."""
    came = sa.select(sa.func.count()).where(
        col(Participant.study_id) == study.id,
        col(Participant.came_by).in_(("open", "panel")),
        col(Participant.withdrawn_at).is_(None),
    )
    return Seats(session.connection().execute(came).scalar_one(), study.open_cap)


def study_of_open_link(session: Session, token: str) -> Study | None:
    """The study whose open link this is, if it is one."""
    return session.exec(select(Study).where(Study.open_hash == token_hash(token))).first()


def lock(session: Session, token: str) -> Study | None:
    """Let nobody else come in by this link until the transaction ends; the study, or None for an unknown link."""
    link = select(Study).where(Study.open_hash == token_hash(token)).with_for_update(key_share=True)
    return session.exec(link).first()


def check_open(session: Session, study: Study) -> None:
    """Raises NotOpen, in words for the person, unless somebody new may come in by the open link now."""
    if study.status != "live":
        raise NotOpen(CLOSED_DOORS[study.status])
    if seats(session, study).full:
        raise NotOpen(_("This study is full: it has all the people it needs. Thank you for your interest."))


def known_member(session: Session, study: Study, sent: Mapping[str, str], *, secret: str) -> Participant | None:
    """Who the panel's member behind the address's parameters is, if they were here before; None without a panel.

    Raises NotAllowed, in words for the person, when the panel's id is missing, and Unavailable without a key.
    """
    panel = panels.panel_of(study)
    if panel is None:
        return None
    ids = panels.ids_in(panel, sent)
    return panels.find(session, study, ids[panel.parameter], panels.keys_from(secret))


def come_in(session: Session, token: str, sent: Mapping[str, str], *, secret: str) -> Participant:
    """Take a seat: a new participant, or the one that this member of the panel has been all along.

    ``sent`` are the address's parameters. The study's row is locked, so that the cap holds however many people press
    the button at once. Raises NotAllowed, in words for the person, and Unavailable when a panel's id cannot be kept.
    """
    study = lock(session, token)
    if study is None:
        raise NotAllowed(_("This link is not valid. Please check that you copied all of it."))
    panel = panels.panel_of(study)
    known = known_member(session, study, sent, secret=secret)
    if known is not None:
        return known
    check_open(session, study)
    assert study.id is not None  # it was read from the database
    person = Participant(
        study_id=study.id, external_id=f"p-{secrets.token_hex(5)}", came_by="panel" if panel else "open"
    )
    session.add(person)
    session.flush()
    if panel is not None:
        panels.remember(session, study, person, panels.ids_in(panel, sent), panels.keys_from(secret))
    return person
