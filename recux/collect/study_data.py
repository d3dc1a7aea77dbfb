"""A study as a whole: its summary, its export, its erasure."""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from db.queries import arms_of
from db.tables import Answer, ImportRun, Interaction, Item, Participant, Rating, Request, Response, Round, Slate, Study
from recux.errors import Conflict
from recux.masking import mask
from recux.operate.erasures import note_study
from recux.spreadsheet import safe_cell

SECRET = {
    ("study", "salt"),
    ("study", "open_hash"),
    ("participant", "invite_hash"),
    ("report_link", "token_hash"),
    ("alert_channel", "target"),
}
"""Columns that never leave the database."""
OWN_WORDS = {("rating", "comment"), ("answer", "text")}
"""What people wrote."""
NOT_EXPORTED = {"browser_session", "panel_member"}
COUNTED = {
    "participants": Participant,
    "items": Item,
    "slates": Slate,
    "ratings": Rating,
    "responses": Response,
    "answers": Answer,
    "interactions": Interaction,
    "requests": Request,
    "rounds": Round,
}


class StudyFiles(NamedTuple):
    """What an erased study leaves on disk."""

    rounds: list[int]
    quarantine: list[str]


def summary(session: Session, study: Study) -> dict[str, Any]:
    """The study's settings, its arms with their people, and how many rows of each kind it has (current ones)."""
    plain = study.model_dump(exclude={"id", "salt", "open_hash", "created_at", "launched_at", "closed_at"})
    times = {name: getattr(study, name) for name in ("created_at", "launched_at", "closed_at")}
    counts = {name: _count(session, table, study) for name, table in COUNTED.items()}
    return {**plain, **{name: _iso(value) for name, value in times.items()}, **counts, "arms": _arms(session, study)}


def export_study(session: Session, study: Study, target: Path, *, raw: bool = False) -> dict[str, int]:
    """Write one CSV file a table to ``target``, a new folder or ``.zip``; returns the rows by table. E-mail addresses
    and long numbers in people's own words are masked unless ``raw``.

    Secrets (the salt, the links' hashes, browser sessions, panel ids) stay behind. Raises Conflict when ``target``
    exists.
    """
    if target.exists():
        raise Conflict(f"{target} exists; an export never overwrites anything, give it another name")
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in NOT_EXPORTED]
    conditions = _conditions(study, tables)
    mine = [table for table in tables if table in conditions]
    with _files(target) as create:
        return {table.name: _dump(session, table, conditions[table], create, raw=raw) for table in mine}


def erase_study(session: Session, study: Study) -> StudyFiles:
    """Delete the study's rows, all of them; returns what :func:`erase_files` is to delete once that is committed."""
    rounds = list(session.exec(select(Round.id).where(Round.study_id == study.id)))
    runs = session.exec(select(ImportRun.quarantine_file).where(ImportRun.study_id == study.id))
    files = StudyFiles([key for key in rounds if key is not None], [name for name in runs if name])
    note_study(session, study)
    session.connection().execute(sa.delete(Study).where(col(Study.id) == study.id))
    session.expunge_all()
    return files


def erase_files(home: Path, files: StudyFiles) -> None:
    """Delete the folders of the study's rounds (examples, checkpoints, models) and its quarantine files."""
    for key in files.rounds:
        shutil.rmtree(home / "rounds" / str(key), ignore_errors=True)
    for name in files.quarantine:
        Path(name).unlink(missing_ok=True)


def _count(session: Session, table: Any, study: Study) -> int:
    query = select(sa.func.count()).select_from(table).where(table.study_id == study.id)
    if hasattr(table, "current"):
        query = query.where(table.current)
    return session.exec(query).one()


def _arms(session: Session, study: Study) -> list[dict[str, Any]]:
    assert study.id is not None
    counted = (
        select(Participant.arm_id, sa.func.count())
        .where(Participant.study_id == study.id)
        .group_by(col(Participant.arm_id))
    )
    people = dict(session.exec(counted).all())
    return [
        {**arm.model_dump(exclude={"id", "study_id"}), "participants": people.get(arm.id, 0)}
        for arm in arms_of(session, study.id)
    ]


def _conditions(study: Study, tables: list[sa.Table]) -> dict[sa.Table, sa.ColumnElement[bool]]:
    """Which rows of each table belong to the study: directly, or through a row that does. Parents come first."""
    found: dict[sa.Table, sa.ColumnElement[bool]] = {}
    for table in tables:
        if table.name == "study":
            found[table] = table.c.id == study.id
        elif "study_id" in table.c:
            found[table] = table.c.study_id == study.id
        else:
            parents = [key for key in table.foreign_keys if key.column.table in found]
            if parents:
                parent = parents[0].column.table
                found[table] = parents[0].parent.in_(sa.select(parent.c.id).where(found[parent]))
    return found


def _dump(session: Session, table: sa.Table, condition: sa.ColumnElement[bool], create: Any, *, raw: bool) -> int:
    columns = [column for column in table.c if (table.name, column.name) not in SECRET]
    rows = session.connection().execute(sa.select(*columns).where(condition).order_by(*table.primary_key))
    own_words = [not raw and (table.name, column.name) in OWN_WORDS for column in columns]
    number = 0
    with create(f"{table.name}.csv") as handle:
        writer = csv.writer(handle)
        writer.writerow([column.name for column in columns])
        for row in rows.yield_per(2000):
            cells = [mask(cell) if own and cell else _plain(cell) for own, cell in zip(own_words, row, strict=True)]
            writer.writerow([safe_cell(cell) for cell in cells])
            number += 1
    return number


@contextmanager
def _files(target: Path) -> Iterator[Any]:
    """How to open files in ``target``, which appears whole or not at all."""
    draft = target.with_name(f".{target.name}.part")
    try:
        if target.suffix == ".zip":
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
                yield lambda name: _zipped(archive, name)
        else:
            draft.mkdir(parents=True)
            yield lambda name: (draft / name).open("w", encoding="utf-8", newline="")
        draft.rename(target)
    finally:
        if draft.is_dir():
            shutil.rmtree(draft)
        draft.unlink(missing_ok=True)


@contextmanager
def _zipped(archive: zipfile.ZipFile, name: str) -> Iterator[IO[str]]:
    with archive.open(name, "w", force_zip64=True) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
        yield text


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, dict | list) else cell


def _iso(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
