"""The audit log: who changed what, and when. Rows are only ever added."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Audit
from recux.access.permissions import allow

COMMAND_LINE = "command line"
"""The actor of changes made by someone with a shell on the machine."""
PROVIDER = "identity provider"
"""The actor where the provider brings somebody of an allowed domain."""


def record(session: Session, *, actor: str, action: str, target: str, **details: Any) -> None:
    """Note one change, in the same transaction as the change itself. ``details`` must be JSON, without secrets.

    Raises NotAllowed when the actor's account may not do this (``permissions``); the change is then taken back, too.
    """
    allow(session, actor, action)
    session.add(Audit(actor=actor, action=action, target=target, details=details))


def latest(session: Session, *, limit: int = 200, about: str = "") -> list[Audit]:
    """The newest ``limit`` entries, newest first; with ``about`` only those whose actor, action or target holds it."""
    found = select(Audit).order_by(col(Audit.id).desc()).limit(limit)
    if about:
        found = found.where(sa.or_(*(c.icontains(about, autoescape=True) for c in _named())))
    return list(session.exec(found))


def _named() -> list[Any]:
    return [col(Audit.actor), col(Audit.action), col(Audit.target)]


def every(session: Session) -> Iterator[Audit]:
    """All entries, oldest first, read as they are needed."""
    yield from session.exec(select(Audit).order_by(col(Audit.id)).execution_options(yield_per=1000))
