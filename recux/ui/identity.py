"""Who is looking at this page. Asked of the database at every rerun, so that signing out holds in open tabs too."""

from typing import Any

import sqlalchemy as sa
import streamlit as st
from sqlmodel import Session

from db.engine import write_session
from db.tables import Participant, User
from recux.access import oidc
from recux.access.http import PARTICIPANT_COOKIE, USER_COOKIE
from recux.access.sessions import needs_renewal, owner_of, participant_of, renew
from recux.errors import NotAllowed
from recux.ui import data


def participant(session: Session) -> Participant | None:
    """The participant whose invite link was opened in this browser, if any."""
    owner = _owner(session, PARTICIPANT_COOKIE)
    return owner if isinstance(owner, Participant) else None


def same_participant(session: Session, participant_id: int) -> Participant:
    """The participant whose page this is, asked again. Raises NotAllowed once they left, or the link was revoked."""
    require_same(session.connection(), participant_id)
    return session.get_one(Participant, participant_id)


def require_same(connection: sa.Connection, participant_id: int) -> None:
    """Raise NotAllowed unless this is still that participant's page, asked of the database again."""
    token = st.context.cookies.get(PARTICIPANT_COOKIE)
    if not token or participant_of(connection, token) != participant_id:
        raise NotAllowed("this page belongs to somebody who has left; open the link again")


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
