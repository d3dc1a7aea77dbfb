"""Browser sessions: an opaque cookie, whose hash is a row here. Deleting the row ends the session everywhere.

Pages ask at every rerun, because an open page keeps showing the cookies it was opened with.
"""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Participant, User, now
from db.tables import Session as BrowserSession
from recux.access.tokens import new_token, token_hash


def start_session(
    session: Session,
    *,
    user: User | None = None,
    participant: Participant | None = None,
    hours: float,
    token: str | None = None,
) -> str:
    """Open a session for exactly one owner and return the cookie's value, which is not stored.

    ``token`` is a value that the browser has already, from :func:`new_token` and not in use.
    Sessions that ended by themselves are swept out on the way.
    """
    session.exec(sa.delete(BrowserSession).where(col(BrowserSession.expires_at) < now()))
    token = token or new_token()
    session.add(
        BrowserSession(
            token_hash=token_hash(token),
            user_id=user.id if user else None,
            participant_id=participant.id if participant else None,
            expires_at=now() + timedelta(hours=hours),
        )
    )
    session.flush()
    return token


def owner_of(session: Session, token: str) -> User | Participant | None:
    """Whom the cookie belongs to; None when it is unknown, has ended, or its user was disabled."""
    row = session.get(BrowserSession, token_hash(token))
    if row is None or row.expires_at <= now():
        return None
    if row.participant_id is not None:
        return session.get(Participant, row.participant_id)
    user = session.get(User, row.user_id)
    return user if user is not None and user.disabled_at is None else None


def needs_renewal(session: Session, token: str, *, hours: float) -> bool:
    """Whether less than half of a lifetime of ``hours`` is left, so that use should prolong the session."""
    row = session.get(BrowserSession, token_hash(token))
    return row is not None and now() < row.expires_at < now() + timedelta(hours=hours / 2)


def renew(session: Session, token: str, *, hours: float) -> None:
    """Let the session last ``hours`` from now; one that has ended stays ended."""
    row = session.get(BrowserSession, token_hash(token))
    if row is not None and row.expires_at > now():
        row.expires_at = now() + timedelta(hours=hours)


def end_session(session: Session, token: str) -> None:
    """Forget this browser; an unknown token is no error."""
    session.exec(sa.delete(BrowserSession).where(col(BrowserSession.token_hash) == token_hash(token)))


def end_all_sessions(session: Session, user: User) -> None:
    """Sign the user out everywhere."""
    session.exec(sa.delete(BrowserSession).where(col(BrowserSession.user_id) == user.id))


IS_PARTICIPANTS = (
    sa.select(sa.literal(1))
    .where(
        col(BrowserSession.token_hash) == sa.bindparam("token_hash"),
        col(BrowserSession.expires_at) > sa.bindparam("now"),
        col(BrowserSession.participant_id) == sa.bindparam("person"),
    )
    .exists()
)
"""The condition that the cookie with ``token_hash`` belongs to the participant ``person`` at the time ``now``."""
