"""Time limits: what is kept no longer than a study says, and files that were needed only once.

Limits are days in the study's definition (``[retention]``): ``people`` after the study closed (everything they gave
goes with them), ``interactions`` after they happened, ``requests`` after they were sent. Ratings and answers have no
limit of their own: they are what the study is for, and go with their people.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import read_session, write_session
from db.tables import Interaction, Participant, Request, Round, Study
from recux.access import audit
from recux.operate.erasures import keep, note_person
from recux.rounds.work import words_in
from recux.settings import Settings

LOG = logging.getLogger("recux.retention")
ACTOR = "retention"
CHUNK = 500
"""People erased in one transaction, so that nobody's click waits long."""
FOLDERS = ("uploads", "quarantine")
SPOOL = "api-"
"""Bodies of requests that are being read: gone when the request is done, unless its process was killed."""
SPOOL_HOURS = 6
"""Longer than the largest body may take at the slowest rate that is let through."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Rows of one kind of one study that are past their limit."""

    study: str
    kind: str
    """``people``, ``interactions`` or ``requests``."""
    days: int
    rows: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was deleted, or would be."""

    rows: list[Overdue]
    files: int


def overdue(session: Session, at: datetime) -> list[Overdue]:
    """What is past its limit at ``at``, by study and kind; nothing is deleted."""
    found = []
    for study in session.exec(select(Study).order_by(col(Study.id))):
        for kind, table, condition in _conditions(study, at):
            rows = session.exec(select(sa.func.count()).select_from(table).where(condition)).one()
            if rows:
                found.append(Overdue(study.slug, kind, study.retention[kind], rows))
    return found


def clean(engine: sa.Engine, settings: Settings, at: datetime, *, dry_run: bool = False) -> Cleaned:
    """Delete what is past its limit, note it in the audit log, and delete old files; ``dry_run`` only counts."""
    with read_session(engine) as session:
        rows = overdue(session, at)
        files = [*old_files(settings, at), *left_words(session, settings, at)]
    if dry_run:
        return Cleaned(rows, len(files))
    for one in rows:
        _delete(engine, one, at)
        LOG.info("deleted %s %s of study %s, kept for %s days", one.rows, one.kind, one.study, one.days)
    for file in files:
        shutil.rmtree(file, ignore_errors=True) if file.is_dir() else file.unlink(missing_ok=True)
    keep(engine, settings.home)
    return Cleaned(rows, len(files))


def old_files(settings: Settings, at: datetime) -> Iterator[Path]:
    """Uploads and quarantine files, which hold people's rows as they came, that are older than the setting allows; and
    bodies of requests whose process was killed.
    """
    limit, left_behind = at - timedelta(days=settings.file_days), at - timedelta(hours=SPOOL_HOURS)
    for name in FOLDERS:
        folder = settings.home / name
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            spool = name == "uploads" and path.name.startswith(SPOOL)
            if datetime.fromtimestamp(_last_change(path), UTC) < (max(limit, left_behind) if spool else limit):
                yield path


def left_words(session: Session, settings: Settings, at: datetime) -> Iterator[Path]:
    """What quotes people in the folders of rounds that are over: left by a process that ended before it could clear
    up, as when a round is cancelled while no worker is alive.
    """
    limit = at - timedelta(hours=SPOOL_HOURS)
    for round_id in session.exec(select(Round.id).where(col(Round.status).not_in(("queued", "running")))):
        for path in words_in(settings.home / "rounds" / str(round_id)):
            if datetime.fromtimestamp(_last_change(path), UTC) < limit:
                yield path


def _last_change(path: Path) -> float:
    """In epoch seconds; of a folder, also of what is in it, which may still be growing."""
    try:
        newest: float = max(one.stat().st_mtime for one in (path, *(path.iterdir() if path.is_dir() else ())))
    except FileNotFoundError:  # it went at this moment
        return time.time()
    return newest


def _conditions(study: Study, at: datetime) -> Iterator[tuple[str, Any, sa.ColumnElement[bool]]]:
    limits = {kind: at - timedelta(days=days) for kind, days in study.retention.items()}
    if "people" in limits and study.closed_at is not None and study.closed_at <= limits["people"]:
        yield "people", Participant, col(Participant.study_id) == study.id
    if "interactions" in limits:
        here = col(Interaction.study_id) == study.id
        yield "interactions", Interaction, here & (col(Interaction.occurred_at) <= limits["interactions"])
    if "requests" in limits:
        here = col(Request.study_id) == study.id
        yield "requests", Request, here & (col(Request.requested_at) <= limits["requests"])


def _delete(engine: sa.Engine, one: Overdue, at: datetime) -> None:
    """In transactions of at most ``CHUNK`` rows each, the last of which is noted in the audit log."""
    left = True
    while left:
        with write_session(engine) as session:
            study = session.exec(select(Study).where(Study.slug == one.study)).first()
            matching = [] if study is None else [c for c in _conditions(study, at) if c[0] == one.kind]
            if not matching:
                return
            _kind, table, condition = matching[0]
            rows = session.exec(select(table).where(condition).limit(CHUNK)).all()
            for row in rows if one.kind == "people" else ():
                note_person(session, row)
            ids = [row.id for row in rows]
            session.connection().execute(sa.delete(table).where(col(table.id).in_(ids)))
            left = len(ids) == CHUNK
            if not left:
                details = {"kind": one.kind, "rows": one.rows, "days": one.days}
                audit.record(session, actor=ACTOR, action="retention", target=one.study, **details)
