"""Questionnaire answers: append-only like ratings, gathered by person, instrument and wave into a response."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import col

from db.engine import insert_many
from db.tables import Answer, Response, now
from recux.errors import InvalidInput, NotFound
from recux.ingest.feedback import is_current, retire
from recux.ingest.lookups import Selected, chunked_rows, create_people, defaults, find_people, withdrew
from recux.ingest.plan import Row
from recux.ingest.state import Import, column_values
from recux.instruments import check_answer
from recux.questionnaires import keep

Columns = dict[str, Any]


class Sheet(NamedTuple):
    """Which response an answer belongs to."""

    participant_id: int
    instrument: str
    wave: int


def write_responses(run: Import, rows: Sequence[Row]) -> None:
    """Write answers. A row without value and text is a question that was skipped: it opens the response, no more."""
    find_people(run, column_values(rows, "participant_id"))
    good = [row for row in rows if _answer_fits(run, row) and not withdrew(run, row)]
    create_people(run, column_values(good, "participant_id"))
    opened = _open_responses(run, good)
    responses = _responses(run, good)
    present = _answers(run, list(responses.values()))
    new: dict[tuple[int, str], Columns] = {}
    replaced: list[int] = []
    for row in good:
        sheet = _sheet(run, row)
        if _is_skip(row):
            run.written += sheet in opened
            run.unchanged += sheet not in opened
            opened.discard(sheet)
            continue
        opened.discard(sheet)
        key = (responses[sheet], row.values["question"])
        name = f"{sheet}{key[1]}"
        before = present.get(key)
        after = {**(before or _blank(run, *key)), **_said(row)}
        if after == before:
            run.unchanged += 1
        elif before is None:
            run.written += 1
            new[key] = after
        elif run.contradicts(row, name, "value"):
            continue
        else:
            run.updated += 1
            replaced.append(after.pop("id"))
            new[key] = {**after, "received_at": now()}
        present[key] = after
        run.first_line.setdefault(name, row.line)
    retire(run, Answer, replaced)
    insert_many(run.session, Answer, list(new.values()))


def _answer_fits(run: Import, row: Row) -> bool:
    """Whether the question exists and takes the answer; if not, the row is put aside."""
    column = "instrument"
    try:
        instrument = run.instrument(row.values["instrument"])
        column = "question"
        question = instrument.question(row.values["question"])
        column = "value" if row.values.get("value") is not None else "text"
        if not _is_skip(row):
            check_answer(question, row.values.get("value"), row.values.get("text"))
    except (NotFound, InvalidInput) as error:
        run.reject(row, column, str(error))
        return False
    return True


def _is_skip(row: Row) -> bool:
    return row.values.get("value") is None and row.values.get("text") is None


def _sheet(run: Import, row: Row) -> Sheet:
    person = run.people[row.values["participant_id"]]
    return Sheet(person.id, row.values["instrument"], row.values.get("wave") or 1)


def _open_responses(run: Import, rows: Sequence[Row]) -> set[Sheet]:
    """Create the responses that the rows need and the database does not have; returns which."""
    known = _responses(run, rows)
    moments: dict[Sheet, list[datetime | None]] = {}
    for row in rows:
        sheet = _sheet(run, row)
        if sheet not in known:
            moments.setdefault(sheet, []).append(row.values.get("answered_at"))
    if run.study.status != "draft":
        keep(run.session, run.study_id, sorted({sheet.instrument for sheet in moments}))
    insert_many(run.session, Response, [_response(run, sheet, times) for sheet, times in moments.items()])
    return set(moments)


def _response(run: Import, sheet: Sheet, moments: list[datetime | None]) -> Columns:
    said = sorted(moment for moment in moments if moment is not None)
    started, completed = (said[0], said[-1]) if said else (now(), now())
    version = run.instrument(sheet.instrument).version
    times = {"started_at": started, "completed_at": completed}
    return {**defaults(Response), "study_id": run.study_id, "version": str(version), **times, **sheet._asdict()}


def _responses(run: Import, rows: Sequence[Row]) -> dict[Sheet, int]:
    def those(people: list[int]) -> Selected:
        columns = col(Response.participant_id), col(Response.instrument), col(Response.wave), col(Response.id)
        return sa.select(*columns).where(col(Response.participant_id).in_(people))

    people = list({run.people[name].id for name in column_values(rows, "participant_id")})
    return {Sheet(*row[:3]): row[3] for row in chunked_rows(run, those, people)}


def _answers(run: Import, response_ids: list[int]) -> dict[tuple[int, str], Columns]:
    table: sa.Table = Answer.__table__  # type: ignore[attr-defined]

    def those(ids: list[int]) -> Selected:
        return sa.select(table).where(is_current("answer"), table.c.response_id.in_(ids))

    return {(row.response_id, row.question): dict(row._mapping) for row in chunked_rows(run, those, response_ids)}


def _blank(run: Import, response_id: int, question: str) -> Columns:
    place = {"study_id": run.study_id, "response_id": response_id, "question": question}
    return {**defaults(Answer), **place, "received_at": now()}


def _said(row: Row) -> Columns:
    said = {name: row.values[name] for name in ("value", "text", "answered_at") if row.values.get(name) is not None}
    return {**dict.fromkeys(name for name in ("value", "text") if name in row.values), **said, "refused": False}
