"""Hot backup of the database into one file, and its verified restore; the same file fits SQLite and Postgres.

A backup is a zip of one JSON-lines file a table and a manifest with the schema revision, the row counts and a SHA-256
of each file. It is read in one snapshot while people go on answering. Model folders are not in it: they are copied as
files, or trained again.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from db.engine import build_engine, is_sqlite
from db.migrate import status
from db.tables import Erasure, Round, now
from recux.errors import Conflict, InvalidInput
from recux.operate.erasures import Entry, apply, read

CHUNK = 2000
MANIFEST = "manifest.json"
MOMENTARY = {"worker_lease", "tick"}
"""Tables about the present moment, which no backup brings back."""


def backup(url: str, file: Path) -> dict[str, int]:
    """Write every table of ours to ``file`` and return the rows by table. The file appears whole or not at all.

    Raises ``Conflict`` when ``file`` exists.
    """
    if file.exists():
        raise Conflict(f"{file} exists; a backup never overwrites one, give it another name")
    revision, _ = status(url)
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    engine = build_engine(url)
    try:
        with _snapshot(engine) as connection, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            tables = {table.name: _dump(connection, table, archive) for table in _kept_tables()}
            manifest = {"format": 1, "revision": revision, "created_at": now().isoformat(), "tables": tables}
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
        engine.dispose()
    return {name: table["rows"] for name, table in tables.items()}


class Restored(NamedTuple):
    """What a backup brought back."""

    rows: dict[str, int]
    """By table."""
    erased_again: dict[str, int]
    """People, withdrawals and studies of the lists that were found in the backup, by kind."""


def restore(url: str, file: Path, *, erased: Iterable[Path] = ()) -> Restored:
    """Write a backup into an empty database of the same revision, in one transaction.

    Every checksum is verified before the first row is written. Whoever is on one of the lists ``erased`` (see
    ``recux.operate.erasures``) is erased again in the same transaction. Rounds that were at work when the backup was
    taken are marked as failed, so that they can be run again. Raises ``InvalidInput`` for a damaged file and
    ``Conflict`` when the database holds rows already or has another revision.
    """
    with _opened(file) as archive:
        manifest = _verified(archive, file)
        revision, _ = status(url)
        if manifest["revision"] != revision:
            raise Conflict(
                f"{file} was taken at schema {manifest['revision']}, the database is at {revision}; "
                "bring them together with `recux db upgrade` or `recux db downgrade` first"
            )
        engine = build_engine(url)
        try:
            with engine.begin() as connection:
                _refuse_filled(connection)
                for table in _kept_tables():
                    _load(connection, table, archive)
                _settle(connection)
                again = _erase_again(connection, erased)
        finally:
            engine.dispose()
    return Restored({name: table["rows"] for name, table in manifest["tables"].items()}, again)


def _kept_tables() -> list[sa.Table]:
    return [table for table in SQLModel.metadata.sorted_tables if table.name not in MOMENTARY]


def _erase_again(connection: sa.Connection, lists: Iterable[Path]) -> dict[str, int]:
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        entries = [entry for file in lists for entry in read(file)]
        stored = [Entry(row.kind, row.subject, row.at.isoformat()) for row in session.exec(select(Erasure))]
        again = apply(session, [*entries, *stored])
        lost = [entry for entry in dict.fromkeys(entries) if entry not in set(stored)]
        session.add_all(
            Erasure(kind=entry.kind, subject=entry.subject, at=datetime.fromisoformat(entry.at)) for entry in lost
        )
        session.commit()  # of the savepoint; the whole is the caller's
    return again


def _snapshot(engine: sa.Engine) -> sa.Connection:
    """A connection that sees the database as it is now, however long the reading takes, and blocks nobody."""
    if is_sqlite(engine):
        return engine.execution_options(sqlite_begin="DEFERRED").connect()
    return engine.connect().execution_options(isolation_level="REPEATABLE READ")


def _dump(connection: sa.Connection, table: sa.Table, archive: zipfile.ZipFile) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    found = connection.execution_options(yield_per=CHUNK).execute(sa.select(table).order_by(*table.primary_key))
    with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as out:
        for row in found.mappings():
            line = json.dumps({k: _written(v) for k, v in row.items()}, ensure_ascii=False).encode() + b"\n"
            digest.update(line)
            out.write(line)
            rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except FileNotFoundError:
        raise InvalidInput(f"{file} does not exist; name the file that `recux db backup` wrote") from None
    except zipfile.BadZipFile:
        raise InvalidInput(
            f"{file} is not a backup, or is damaged; name the file that `recux db backup` wrote"
        ) from None


def _verified(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        for name, table in manifest["tables"].items():
            with archive.open(f"{name}.jsonl") as lines:
                if _digest(lines) != table["sha256"]:
                    raise InvalidInput(
                        f"{file}: the checksum of {name} is wrong; the backup is damaged, use another one"
                    )
    except (KeyError, zipfile.BadZipFile, json.JSONDecodeError) as problem:
        raise InvalidInput(f"{file} is not a whole backup ({problem}); use another one") from problem
    return manifest


def _digest(lines: IO[bytes]) -> str:
    return hashlib.file_digest(lines, "sha256").hexdigest()  # type: ignore[arg-type]


def _refuse_filled(connection: sa.Connection) -> None:
    for table in _kept_tables():
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise Conflict(f"the database holds rows already (in {table.name}); restore into an empty one")


def _load(connection: sa.Connection, table: sa.Table, archive: zipfile.ZipFile) -> None:
    times = {column.name for column in table.columns if "DateTime" in type(column.type).__name__}
    with archive.open(f"{table.name}.jsonl") as lines:
        for chunk in _chunks(lines, times):
            connection.execute(table.insert(), chunk)


def _chunks(lines: IO[bytes], times: set[str]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for line in lines:
        row = json.loads(line)
        chunk.append({k: _read(v) if k in times else v for k, v in row.items()})
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _settle(connection: sa.Connection) -> None:
    """Continue the key sequences after the restored rows, and free the rounds that no queue knows any more."""
    rounds = SQLModel.metadata.tables[str(Round.__tablename__)]
    at_work = rounds.update().where(rounds.c.status.in_(("queued", "running")))
    connection.execute(at_work.values(status="failed", message="restored from a backup; run the round again"))
    if is_sqlite(connection):
        return
    for table in SQLModel.metadata.sorted_tables:
        if "id" in table.c:
            sequence = sa.func.pg_get_serial_sequence(f'"{table.name}"', "id")
            last = sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0) + 1).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, last, False)))


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
