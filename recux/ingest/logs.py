"""Interactions and requests: counted kinds. Equal rows are told apart by their number within the source, so that two
equal clicks count twice, and the same file twice still changes nothing.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from db.bulk import insert_all_new, insert_new_rows
from db.engine import is_sqlite
from db.tables import Interaction, Request
from recux.ingest.keys import counted_key, row_key
from recux.ingest.lookups import find_slates, settled
from recux.ingest.plan import Row
from recux.ingest.state import Import, column_values

FIRST_ERROR_STATUS = 400


def write_interactions(run: Import, rows: Sequence[Row]) -> None:
    """Write views, clicks, purchases, dismissals, likes, and what was known already."""
    columns = ("participant_id", "item_id", "kind", "occurred_at", "slate_id", "dwell_ms")
    keys = _counted_keys(run, rows, columns)
    good = {row.line for row in settled(run, rows)}
    fitting = [(key, row) for key, row in zip(keys, rows, strict=True) if row.line in good]
    names = ("study_id", "row_key", "participant_id", "item_id", "slate_id", "kind", "occurred_at", "dwell_ms")
    _add(run, Interaction, names, [_interaction(run, key, row.values) for key, row in fitting])


def write_requests(run: Import, rows: Sequence[Row]) -> None:
    """Write requests; without an outcome, a status of 400 or more is an error."""
    said = ("requested_at", "duration_ms", "outcome", "http_status", "arm", "endpoint", "slate_id", "slate_size")
    keys = _counted_keys(run, rows, said)
    find_slates(run, column_values(rows, "slate_id"))
    fitting = [(key, row) for key, row in zip(keys, rows, strict=True) if _request_fits(run, row)]
    kept = ("requested_at", "duration_ms", "outcome", "http_status", "endpoint", "slate_size")
    names = ("study_id", "row_key", "arm_id", "slate_id", *kept)
    _add(run, Request, names, [_request(run, key, row.values) for key, row in fitting])


def _add(run: Import, table: type[SQLModel], names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Insert what is not there yet; which is not there, the unique key says.

    A Postgres server works while the next rows are read; SQLite works in this process and would only be in the way.
    """
    run.settle()
    connection = run.session.connection()
    if not is_sqlite(connection):
        run.meanwhile(partial(_add_to_postgres, run, connection, table, names, rows), len(rows))
        return
    written = insert_new_rows(connection, table, names, rows)
    run.written += written
    run.unchanged += len(rows) - written


def _add_to_postgres(
    run: Import, connection: sa.Connection, table: type[SQLModel], names: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> int:
    """Insert what is not there yet; how many rows that were. Most sources are new as a whole, until one row is not."""
    run.all_new = run.all_new and insert_all_new(connection, table, names, rows)
    return len(rows) if run.all_new else insert_new_rows(connection, table, names, rows)


def _counted_keys(run: Import, rows: Sequence[Row], columns: tuple[str, ...]) -> list[str]:
    keys = []
    occurrences = run.occurrences
    for row in rows:
        same = row_key(list(map(row.values.get, columns)))
        number = occurrences[same] = occurrences.get(same, 0) + 1
        keys.append(counted_key(same, number))
    return keys


def _interaction(run: Import, key: str, said: dict[str, Any]) -> tuple[Any, ...]:
    slate = said.get("slate_id")
    return (
        run.study_id,
        key,
        run.people[said["participant_id"]].id,
        run.items[said["item_id"]],
        run.slates[slate].id if slate else None,
        said["kind"],
        said["occurred_at"],
        said.get("dwell_ms"),
    )


def _request_fits(run: Import, row: Row) -> bool:
    arm, slate = row.values.get("arm"), row.values.get("slate_id")
    if arm is not None and arm not in run.arm_ids():
        run.reject(row, "arm", f"arm is not one of this study's arms: {', '.join(run.arm_ids())}")
    elif slate is not None and slate not in run.slates:
        run.reject(row, "slate_id", "slate_id names an unknown slate; import the slates first")
    elif row.values.get("outcome") is None and row.values.get("http_status") is None:
        run.reject(row, "outcome", "outcome is empty, and there is no http_status to tell it from")
    else:
        return True
    return False


def _request(run: Import, key: str, said: dict[str, Any]) -> tuple[Any, ...]:
    arm, slate, status = said.get("arm"), said.get("slate_id"), said.get("http_status")
    by_status = "error" if status is not None and status >= FIRST_ERROR_STATUS else "ok"
    return (
        run.study_id,
        key,
        run.arm_ids()[arm] if arm else None,
        run.slates[slate].id if slate else None,
        said["requested_at"],
        said["duration_ms"],
        said.get("outcome") or by_status,
        status,
        said.get("endpoint"),
        said.get("slate_size"),
    )
