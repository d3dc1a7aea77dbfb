"""The audit log: who changed what, and when. Rows are only ever added."""

from typing import Any

from sqlmodel import Session, col, select

from db.tables import Audit

COMMAND_LINE = "command line"
"""The actor of changes made by someone with a shell on the machine."""


def record(session: Session, *, actor: str, action: str, target: str, **details: Any) -> None:
    """Note one change, in the same transaction as the change itself. ``details`` must be JSON, without secrets."""
    session.add(Audit(actor=actor, action=action, target=target, details=details))


def latest(session: Session, *, limit: int = 200) -> list[Audit]:
    """The newest ``limit`` entries, newest first."""
    return list(session.exec(select(Audit).order_by(col(Audit.id).desc()).limit(limit)))
