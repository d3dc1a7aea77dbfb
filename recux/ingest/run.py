"""Import a file, or rows in memory, as one unit: all or nothing unless bad rows may be skipped."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, select

from db.engine import write_session
from db.tables import ImportRun, Study
from recux.collect.assignment import balance_of
from recux.errors import Conflict, NotFound
from recux.ingest.answers import write_responses
from recux.ingest.feedback import write_ratings
from recux.ingest.kinds import known_kind
from recux.ingest.logs import write_interactions, write_requests
from recux.ingest.mapping import Map, check_map, read_map
from recux.ingest.plan import Plan, Row, plan_for, read_row, require_columns
from recux.ingest.profiles import write_items, write_participants
from recux.ingest.result import ImportResult, Refused, write_quarantine
from recux.ingest.slates import write_slates
from recux.ingest.sources import Record, Source, from_rows, open_source
from recux.ingest.state import Import

CHUNK = 5000
"""Rows that are in memory and looked up together."""
Progress = Callable[[int], None]
WRITERS: dict[str, Callable[[Import, list[Row]], None]] = {
    "participants": write_participants,
    "items": write_items,
    "slates": write_slates,
    "interactions": write_interactions,
    "ratings": write_ratings,
    "responses": write_responses,
    "requests": write_requests,
}


@dataclass(frozen=True)
class Manner:
    """How an import is to behave."""

    mapping: Map = field(default_factory=Map)
    skip_bad: bool = False
    dry_run: bool = False
    quarantine_folder: Path | None = None
    progress: Progress | None = None


def import_file(
    engine: sa.Engine,
    study_slug: str,
    kind: str,
    path: Path,
    *,
    map_path: Path | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
    quarantine_folder: Path | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Import a CSV, JSON Lines or Parquet file, gzipped or not, of one of the seven kinds.

    A row that breaks a rule goes to a file in ``quarantine_folder``. Unless ``skip_bad``, one such row makes the whole
    file be refused: nothing is written and :class:`Refused` is raised, which carries the counts. ``dry_run`` does
    everything but keep the result. ``progress`` is told the number of rows read so far.

    Raises NotFound for an unknown study, file or map; InvalidInput for a file or map that makes no sense as a whole;
    Conflict for a closed study.
    """
    mapping = read_map(map_path) if map_path else Map()
    manner = Manner(mapping, skip_bad, dry_run, quarantine_folder, progress)
    with open_source(known_kind(kind) and path) as source, write_session(engine) as session:
        return _import(session, study_slug, kind, source, manner)


def import_rows(
    target: sa.Engine | Session,
    study_slug: str,
    kind: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    mapping: Map | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
    quarantine_folder: Path | None = None,
    progress: Progress | None = None,
    source: str = "rows",
) -> ImportResult:
    """Import rows that are in memory, exactly as :func:`import_file` does; "lines" are row numbers from 1.

    With a session the caller owns the transaction, and a refusal leaves it as it was. ``source`` names the rows in
    messages, in the quarantine file and in the record of the import.
    """
    manner = Manner(mapping or Map(), skip_bad, dry_run, quarantine_folder, progress)
    records = from_rows(rows, source)
    known_kind(kind)
    if isinstance(target, Session):
        return _import(target, study_slug, kind, records, manner)
    with write_session(target) as session:
        return _import(session, study_slug, kind, records, manner)


def _import(session: Session, study_slug: str, kind: str, source: Source, manner: Manner) -> ImportResult:
    check_map(manner.mapping, kind, source.columns)
    plan = plan_for(kind, manner.mapping, source.columns)
    require_columns(plan, kind, source.name, source.columns)
    savepoint = session.begin_nested()
    try:
        run = _start(session, study_slug, manner.mapping)
        read = _write_all(run, kind, source, manner)
    except BaseException:
        savepoint.rollback()
        raise
    refused = bool(run.rejected) and not manner.skip_bad
    result = _result(run, read, kind, source, plan, manner, refused=refused)
    if refused or manner.dry_run:
        savepoint.rollback()
    else:
        session.add(_record_of(run, kind, source, result))
        session.flush()
        savepoint.commit()
    if refused:
        raise Refused(source.name, result)
    return result


def _start(session: Session, study_slug: str, mapping: Map) -> Import:
    # one import at a time for each study; rows that only point at the study are not held up
    found = select(Study).where(Study.slug == study_slug).with_for_update(key_share=True)
    study = session.exec(found).first()
    if study is None or study.id is None:
        raise NotFound(f"there is no study {study_slug!r}; `recux study list` shows those that exist")
    if study.status == "closed":
        raise Conflict(f"the study {study_slug} is closed; nothing more can be imported into it")
    return Import(session, study, study.id, mapping, balance_of(session, study))


def _write_all(run: Import, kind: str, source: Source, manner: Manner) -> int:
    """Read, understand and write every record; returns how many there were."""
    read = 0
    plans: dict[tuple[str, ...], Plan] = {}
    for chunk in _chunks(source.records):
        rows: list[Row] = []
        for record in chunk:
            read += 1
            row = read_row(_plan_of(record, kind, manner.mapping, plans), record, read)
            (rows if isinstance(row, Row) else run.rejected).append(row)  # type: ignore[arg-type]
        if rows:
            WRITERS[kind](run, rows)
        if manner.progress:
            manner.progress(read)
    return read


def _plan_of(record: Record, kind: str, mapping: Map, plans: dict[tuple[str, ...], Plan]) -> Plan:
    shape = tuple(record.cells)
    plan = plans.get(shape)
    if plan is None:
        plan = plan_for(kind, mapping, shape)
        if len(plans) < CHUNK:  # records that all differ in shape must not fill the memory
            plans[shape] = plan
    return plan


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(islice(records, CHUNK)):
        yield chunk


def _result(
    run: Import, read: int, kind: str, source: Source, plan: Plan, manner: Manner, *, refused: bool
) -> ImportResult:
    bad = len(run.rejected)
    kept = (0, 0, read - bad) if refused else (run.written, run.updated, run.unchanged)
    assert read == sum(kept) + bad, f"{read} rows were read, {kept} and {bad} are accounted for"
    file = None
    if bad and manner.quarantine_folder:
        file = write_quarantine(manner.quarantine_folder, f"{run.study.slug}-{kind}", source.name, run.rejected)
    return ImportResult(
        read,
        *kept,
        bad,
        quarantine_file=file,
        rejected=tuple(sorted(run.rejected, key=lambda one: one.line)[:20]),
        ignored_columns=plan.ignored,
        dry_run=manner.dry_run,
    )


def _record_of(run: Import, kind: str, source: Source, result: ImportResult) -> ImportRun:
    return ImportRun(study_id=run.study_id, kind=kind, file=source.name, **result.to_json())
