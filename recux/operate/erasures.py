"""Who must stay erased: a list beside the database, applied again to whatever a backup brings back.

An entry holds no name: only an HMAC under the study's salt, by which the restored row is found again. Each erasure is
written in its own transaction (the table ``erasure``) and copied from there to ``RECUX_HOME/erasures.jsonl``, which
outlives the database and its backups. Keep a copy of that file elsewhere too.
"""

import hmac
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import read_session
from db.tables import Erasure, Participant, Study
from recux.errors import InvalidInput

FILE = "erasures.jsonl"
Kind = Literal["person", "withdrawal", "study"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list."""

    kind: str
    subject: str
    at: str
    """ISO 8601, UTC."""


def note_person(session: Session, participant: Participant, kind: Kind = "person") -> None:
    """Put a person who is being erased (or withdraws) on the list, in the same transaction."""
    study = session.get_one(Study, participant.study_id)
    session.add(Erasure(kind=kind, subject=subject_of(study.salt, participant.external_id)))
    session.flush()


def note_study(session: Session, study: Study) -> None:
    """Put a study that is being erased as a whole on the list, in the same transaction."""
    session.add(Erasure(kind="study", subject=subject_of(study.salt)))
    session.flush()


def subject_of(salt: str, external_id: str | None = None) -> str:
    """Name of a participant (or, without one, of the study) that says nothing to whoever lacks the study's salt."""
    words = "study" if external_id is None else f"participant:{external_id}"
    return hmac.new(salt.encode(), words.encode(), sha256).hexdigest()


def keep(engine: sa.Engine, home: Path) -> int:
    """Copy what the list beside the database lacks; returns how many entries. A line is on disk before it counts."""
    with read_session(engine) as session:
        rows = session.exec(select(Erasure).order_by(col(Erasure.id))).all()
    entries = [Entry(row.kind, row.subject, row.at.isoformat()) for row in rows]
    file = home / FILE
    known = set(read(file)) if file.exists() else set()
    fresh = [entry for entry in entries if entry not in known]
    if fresh:
        home.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(asdict(entry)) + "\n" for entry in fresh)
            stream.flush()
            os.fsync(stream.fileno())
    return len(fresh)


def read(file: Path) -> Iterator[Entry]:
    """The entries of a list, but for half a last line (a power cut). Raises InvalidInput for a line that is none."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if number == len(lines) and not line.endswith("\n"):
            return
        try:
            yield Entry(**json.loads(line))
        except (ValueError, TypeError) as problem:
            raise InvalidInput(f"{file}, line {number}: not an entry of a list of the erased ({problem})") from None


def apply(session: Session, entries: Iterable[Entry]) -> dict[str, int]:
    """Erase again who is on the list, and withdraw who had withdrawn; returns how many of each kind were found.

    Only what is older than the entry is touched: somebody may have come back under the same id.
    """
    newest: dict[tuple[str, str], datetime] = {}
    for entry in entries:
        key, at = (entry.kind, entry.subject), datetime.fromisoformat(entry.at)
        newest[key] = max(at, newest.get(key, at))
    found = dict.fromkeys(("person", "withdrawal", "study"), 0)
    if not newest:
        return found
    for study in session.exec(select(Study)).all():
        erased = newest.get(("study", subject_of(study.salt)))
        if erased is not None and study.created_at <= erased:
            session.exec(sa.delete(Study).where(col(Study.id) == study.id))
            found["study"] += 1
        else:
            _apply_to_people(session, study, newest, found)
    return found


def _apply_to_people(
    session: Session, study: Study, newest: dict[tuple[str, str], datetime], found: dict[str, int]
) -> None:
    people = sa.select(
        col(Participant.id), col(Participant.external_id), col(Participant.created_at), col(Participant.withdrawn_at)
    ).where(col(Participant.study_id) == study.id)
    for key, external_id, created_at, withdrawn_at in session.connection().execute(people).all():
        subject = subject_of(study.salt, external_id)
        erased, withdrew = newest.get(("person", subject)), newest.get(("withdrawal", subject))
        here = col(Participant.id) == key
        if erased is not None and created_at <= erased:
            session.exec(sa.delete(Participant).where(here))
            found["person"] += 1
        elif withdrew is not None and withdrawn_at is None and created_at <= withdrew:
            session.exec(sa.update(Participant).where(here).values(withdrawn_at=withdrew))
            found["withdrawal"] += 1
