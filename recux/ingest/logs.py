"""Interactions and requests: counted kinds. Equal rows are told apart by their number within the source, so that two
equal clicks count twice, and the same file twice still changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from db.engine import insert_many
from db.tables import Interaction, Request
from recux.ingest.keys import row_key
from recux.ingest.lookups import Selected, chunked_rows, find_slates, settled
from recux.ingest.plan import Row
from recux.ingest.state import Import, column_values

FIRST_ERROR_STATUS = 400


def write_interactions(run: Import, rows: Sequence[Row]) -> None:
    """Write views, clicks, purchases and dismissals."""
    columns = ("participant_id", "item_id", "kind", "occurred_at", "slate_id", "dwell_ms")
    keys = _counted_keys(run, rows, columns)
    good = {id(row) for row in settled(run, rows)}
    _add(run, Interaction, [(key, row) for key, row in zip(keys, rows, strict=True) if id(row) in good], _interaction)


def write_requests(run: Import, rows: Sequence[Row]) -> None:
    """Write requests; without an outcome, a status of 400 or more is an error."""
    columns = ("requested_at", "duration_ms", "outcome", "http_status", "arm", "endpoint", "slate_id", "slate_size")
    keys = _counted_keys(run, rows, columns)
    find_slates(run, column_values(rows, "slate_id"))
    _add(run, Request, [(key, row) for key, row in zip(keys, rows, strict=True) if _request_fits(run, row)], _request)


def _add(
    run: Import,
    table: type[SQLModel],
    keyed: list[tuple[str, Row]],
    columns: Callable[[Import, Row], dict[str, Any]],
) -> None:
    target: sa.Table = table.__table__  # type: ignore[attr-defined]

    def those(part: list[str]) -> Selected:
        return sa.select(target.c.row_key).where(target.c.study_id == run.study_id, target.c.row_key.in_(part))

    known = {row.row_key for row in chunked_rows(run, those, [key for key, _ in keyed])}
    new = [{"study_id": run.study_id, "row_key": key, **columns(run, row)} for key, row in keyed if key not in known]
    insert_many(run.session, table, new)
    run.written += len(new)
    run.unchanged += len(keyed) - len(new)


def _counted_keys(run: Import, rows: Sequence[Row], columns: tuple[str, ...]) -> list[str]:
    keys = []
    for row in rows:
        said = [row.values.get(name) for name in columns]
        same = row_key(said)
        run.occurrences[same] += 1
        keys.append(row_key([same, run.occurrences[same]]))
    return keys


def _interaction(run: Import, row: Row) -> dict[str, Any]:
    slate = row.values.get("slate_id")
    return {
        "participant_id": run.people[row.values["participant_id"]].id,
        "item_id": run.items[row.values["item_id"]],
        "slate_id": run.slates[slate].id if slate else None,
        "kind": row.values["kind"],
        "occurred_at": row.values["occurred_at"],
        "dwell_ms": row.values.get("dwell_ms"),
    }


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


def _request(run: Import, row: Row) -> dict[str, Any]:
    said = row.values
    arm, slate, status = said.get("arm"), said.get("slate_id"), said.get("http_status")
    by_status = "error" if status is not None and status >= FIRST_ERROR_STATUS else "ok"
    return {
        "arm_id": run.arm_ids()[arm] if arm else None,
        "slate_id": run.slates[slate].id if slate else None,
        "requested_at": said["requested_at"],
        "duration_ms": said["duration_ms"],
        "outcome": said.get("outcome") or by_status,
        "http_status": status,
        "endpoint": said.get("endpoint"),
        "slate_size": said.get("slate_size"),
    }
