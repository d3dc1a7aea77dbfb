"""Keys of programs: what a program may do over the HTTP API, in which study, and until when."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import ApiKey, Study, now
from recux.access import audit
from recux.access.tokens import token_hash
from recux.errors import InvalidInput, NotFound

SCOPES = {
    "ingest": "write participants, items, slates, interactions, ratings, responses and requests, as imports do",
    "collect": "consent, slates, ratings and answers of participants, for an app that embeds the questions",
    "predict": "ask the models that serve",
    "read": "studies, stored rows, rounds and the report",
}
"""What a key may be allowed to do. No scope includes another."""
PER_MINUTE = 3000
"""Requests a minute where the key's maker says nothing."""
MOST_PER_MINUTE = 10_000_000
KEY = re.compile(r"rx_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{32}")
SHOWN_AS_USED = timedelta(minutes=1)
"""A key's last use is noted at most this often."""


class NewKey(NamedTuple):
    """A key just made, with its secret: shown once, kept nowhere."""

    row: ApiKey
    secret: str
    """What goes after ``Authorization: Bearer``."""


class Grant(NamedTuple):
    """What a key opens now."""

    key_id: int
    name: str
    scopes: frozenset[str]
    study_slug: str | None
    """The one study that it opens; None opens all."""
    per_minute: int
    expires_at: datetime | None


def create_key(
    session: Session,
    name: str,
    scopes: Sequence[str],
    *,
    study: Study | None = None,
    expires_at: datetime | None = None,
    per_minute: int = PER_MINUTE,
    actor: str = audit.COMMAND_LINE,
) -> NewKey:
    """Add a key with these scopes, for one study or for all, until ``expires_at`` (aware) or until it is revoked.

    Raises InvalidInput for an empty name, no or an unknown scope, an expiry that has passed, or a rate out of range.
    """
    _check(name, scopes, expires_at, per_minute)
    prefix = "rx_" + secrets.token_hex(4)
    secret = f"{prefix}_{secrets.token_urlsafe(24)}"
    row = ApiKey(
        name=name.strip(),
        prefix=prefix,
        key_hash=token_hash(secret),
        scopes=sorted(set(scopes)),
        study_id=study.id if study else None,
        per_minute=per_minute,
        created_by=actor,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor=actor, action="key.create", target=prefix, scopes=row.scopes, name=row.name)
    return NewKey(row, secret)


def list_keys(session: Session) -> list[tuple[ApiKey, str | None]]:
    """All keys, oldest first, revoked and expired ones too, each with the slug of its study if it has one."""
    rows = select(ApiKey, Study.slug).join(Study, col(Study.id) == ApiKey.study_id, isouter=True)
    return [(key, slug) for key, slug in session.exec(rows.order_by(col(ApiKey.id)))]


def revoke_key(session: Session, prefix: str, *, actor: str = audit.COMMAND_LINE) -> ApiKey:
    """End a key, named by its public beginning (``rx_`` and 8 digits). Doing it again changes nothing.

    Raises NotFound.
    """
    row = session.exec(select(ApiKey).where(ApiKey.prefix == prefix[:11])).first()
    if row is None:
        raise NotFound(f"there is no key {prefix[:11]!r}; `recux key list` shows those that exist")
    if row.revoked_at is None:
        row.revoked_at = now()
        session.add(row)
        audit.record(session, actor=actor, action="key.revoke", target=row.prefix)
    return row


def grant_of(session: Session, secret: str) -> Grant | None:
    """What ``secret`` opens; None when it is unknown, revoked or expired."""
    if not KEY.fullmatch(secret):
        return None
    where = select(ApiKey, Study.slug).join(Study, col(Study.id) == ApiKey.study_id, isouter=True)
    found = session.exec(where.where(ApiKey.key_hash == token_hash(secret), col(ApiKey.revoked_at).is_(None))).first()
    if found is None:
        return None
    row, slug = found
    assert row.id is not None  # it was read from the database
    grant = Grant(row.id, row.name, frozenset(row.scopes), slug, row.per_minute, row.expires_at)
    return None if has_expired(grant) else grant


def has_expired(grant: Grant) -> bool:
    """Whether the key's time is over."""
    return grant.expires_at is not None and grant.expires_at <= now()


def note_use(session: Session, key_id: int) -> None:
    """Remember that the key was used, at most once a minute."""
    stale = sa.or_(col(ApiKey.last_used_at).is_(None), col(ApiKey.last_used_at) < now() - SHOWN_AS_USED)
    session.exec(sa.update(ApiKey).where(col(ApiKey.id) == key_id, stale).values(last_used_at=now()))


def _check(name: str, scopes: Sequence[str], expires_at: datetime | None, per_minute: int) -> None:
    if not 0 < len(name.strip()) <= 100 or not name.isprintable():
        raise InvalidInput("a key needs a name of at most 100 printable characters, such as the program that uses it")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        wrong = f"scope {unknown[0]!r} is unknown" if unknown else "a key needs at least one scope"
        raise InvalidInput(f"{wrong}; the scopes are {', '.join(SCOPES)}")
    if expires_at is not None and expires_at <= now():
        raise InvalidInput(f"the expiry {expires_at.isoformat()} has passed already")
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise InvalidInput(f"per_minute is {per_minute}, must be 1 to {MOST_PER_MINUTE}")
