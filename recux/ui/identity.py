"""Who is looking at this page. Asked of the database at every rerun, so that signing out holds in open tabs too."""

from typing import Any

import sqlalchemy as sa
import streamlit as st
from sqlmodel import Session

from db.engine import write_session
from db.tables import Participant, User, now
from recux.access import oidc
from recux.access.http import PARTICIPANT_COOKIE, USER_COOKIE
from recux.access.sessions import IS_PARTICIPANTS, needs_renewal, owner_of, renew
from recux.access.tokens import token_hash
from recux.collect import consent
from recux.collect.consent import Answering
from recux.errors import NotAllowed
from recux.ui import data


def participant(session: Session) -> Participant | None:
    """The participant whose invite link was opened in this browser, if any."""
    owner = _owner(session, PARTICIPANT_COOKIE)
    return owner if isinstance(owner, Participant) else None


def same_participant(session: Session, participant_id: int) -> Participant:
    """The participant whose page this is, asked again. Raises NotAllowed once they left, or the link was revoked."""
    found = participant(session)
    if found is None or found.id != participant_id:
        raise NotAllowed("this page belongs to somebody who has left; open the link again")
    return found


def require_answering(connection: sa.Connection, participant_id: int) -> Answering:
    """The same for a click, and that the person may answer now, in one statement. Raises NotAllowed.

    From here on, the transaction is the person's only writer.
    """
    token = token_hash(st.context.cookies.get(PARTICIPANT_COOKIE) or "")
    return consent.require_answering(connection, participant_id, asked=_STILL_HERE, token_hash=token, now=now())


def user(session: Session) -> User | None:
    """The signed-in user of the admin pages, if any. Being here prolongs the sign-in."""
    owner = _owner(session, USER_COOKIE)
    if not isinstance(owner, User):
        return None
    cookie, hours = st.context.cookies[USER_COOKIE], data.settings().session_hours
    if needs_renewal(session, cookie, hours=hours):
        with write_session(data.engine()) as writer:
            renew(writer, cookie, hours=hours)
    return owner


def provider_claims() -> dict[str, Any] | None:
    """What the identity provider says of this browser's person; None for somebody who does not come from there."""
    if not oidc.is_on(data.settings()) or not st.user.is_logged_in:
        return None
    return dict(st.user.to_dict())


def _owner(session: Session, cookie: str) -> Participant | User | None:
    token = st.context.cookies.get(cookie)
    return owner_of(session, token) if token else None


_STILL_HERE = consent.MAY_ANSWER.where(IS_PARTICIPANTS)
