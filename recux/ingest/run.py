"""Import a file, or rows in memory, as one unit: all or nothing unless bad rows may be skipped."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
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
class Job:
    """What is to be imported, into which study, and how."""

    study_slug: str
    kind: str
    source: Source
    mapping: Map
    skip_bad: bool
    dry_run: bool
    quarantine_folder: Path | None
    progress: Progress | None
    record: bool = True


def import_file(
    target: sa.Engine | Session,
    study_slug: str,
    kind: str,
    path: Path,
    *,
    map_path: Path | None = None,
    mapping: Map | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
    quarantine_folder: Path | None = None,
    progress: Progress | None = None,
) -> ImportResult:
    """Import a CSV, JSON Lines or Parquet file, gzipped or not, of one of the seven kinds.

    A row that breaks a rule goes to a file in ``quarantine_folder``. Unless ``skip_bad``, one such row makes the whole
    file be refused: nothing is written and :class:`Refused` is raised, which carries the counts. ``dry_run`` does
    everything but keep the result. ``progress`` is told the number of rows read so far. The map is a file or given as
    such. With a session the caller owns the transaction, and a refusal leaves it as it was.

    Raises NotFound for an unknown study, file or map; InvalidInput for a file or map that makes no sense as a whole;
    Conflict for a closed study.
    """
    known_kind(kind)
    chosen = read_map(map_path) if map_path else mapping or Map()
    with open_source(path) as source, _session_of(target) as session:
        return _import(session, Job(study_slug, kind, source, chosen, skip_bad, dry_run, quarantine_folder, progress))


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
    record: bool = True,
) -> ImportResult:
    """Import rows that are in memory, exactly as :func:`import_file` does; "lines" are row numbers from 1.

    With a session the caller owns the transaction, and a refusal leaves it as it was. ``source`` names the rows in
    messages, in the quarantine file and in the record of the import, which is left out unless ``record``.
    """
    known_kind(kind)
    found = from_rows(rows, source)
    job = Job(study_slug, kind, found, mapping or Map(), skip_bad, dry_run, quarantine_folder, progress, record)
    with _session_of(target) as session:
        return _import(session, job)


def _session_of(target: sa.Engine | Session) -> AbstractContextManager[Session]:
    return nullcontext(target) if isinstance(target, Session) else write_session(target)


def _import(session: Session, job: Job) -> ImportResult:
    check_map(job.mapping, job.kind, job.source.columns)
    plan = plan_for(job.kind, job.mapping, job.source.columns)
    require_columns(plan, job.kind, job.source.name, job.source.columns)
    savepoint = session.begin_nested()
    try:
        run = _start(session, job)
        read = _write_all(run, job)
    except BaseException:
        savepoint.rollback()
        raise
    refused = bool(run.rejected) and not job.skip_bad
    result = _result(run, job, read, plan.ignored)
    if refused or job.dry_run:
        savepoint.rollback()
    else:
        if job.record:
            session.add(ImportRun(study_id=run.study_id, kind=job.kind, file=job.source.name, **result.to_json()))
            session.flush()
        savepoint.commit()
    if refused:
        raise Refused(job.source.name, result)
    return result


def _start(session: Session, job: Job) -> Import:
    # one import at a time for each study; rows that only point at the study are not held up
    found = select(Study).where(Study.slug == job.study_slug).with_for_update(key_share=True)
    study = session.exec(found).first()
    if study is None or study.id is None:
        raise NotFound(f"there is no study {job.study_slug!r}; `recux study list` shows those that exist")
    if study.status == "closed":
        raise Conflict(f"the study {job.study_slug} is closed; nothing more can be imported into it")
    return Import(session, study, study.id, job.mapping, balance_of(session, study))


def _write_all(run: Import, job: Job) -> int:
    """Read, understand and write every record; returns how many there were."""
    try:
        read = _write_chunks(run, job)
        run.settle()
        return read
    finally:
        run.close()  # the transaction is ended by this thread alone


def _write_chunks(run: Import, job: Job) -> int:
    read = 0
    plans: dict[tuple[str, ...], Plan] = {}
    for chunk in _chunks(job.source.records):
        rows: list[Row] = []
        for record in chunk:
            read += 1
            row = read_row(_plan_of(record, job, plans), record, read)
            (rows if isinstance(row, Row) else run.rejected).append(row)  # type: ignore[arg-type]
        if rows:
            WRITERS[job.kind](run, rows)
        if job.progress:
            job.progress(read)
    return read


def _plan_of(record: Record, job: Job, plans: dict[tuple[str, ...], Plan]) -> Plan:
    shape = tuple(record.cells)
    plan = plans.get(shape)
    if plan is None:
        plan = plan_for(job.kind, job.mapping, shape)
        if len(plans) < CHUNK:  # records that all differ in shape must not fill the memory
            plans[shape] = plan
    return plan


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(islice(records, CHUNK)):
        yield chunk


def _result(run: Import, job: Job, read: int, ignored: tuple[str, ...]) -> ImportResult:
    bad = len(run.rejected)
    kept = (run.written, run.updated, run.unchanged) if job.skip_bad or not bad else (0, 0, read - bad)
    assert read == sum(kept) + bad, f"{read} rows were read, {kept} and {bad} are accounted for"
    file = None
    if bad and job.quarantine_folder:
        label = f"{run.study.slug}-{job.kind}"
        file = write_quarantine(job.quarantine_folder, label, job.source.name, run.rejected)
    first = tuple(sorted(run.rejected, key=lambda one: one.line)[:20])
    return ImportResult(
        read, *kept, bad, quarantine_file=file, rejected=first, ignored_columns=ignored, dry_run=job.dry_run
    )
