"""Ratings: append-only. The same key with other values is a new revision, and the last one counts."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from db.engine import insert_many
from db.tables import Rating, now
from recux.ingest.keys import rating_key
from recux.ingest.lookups import Selected, chunked_rows, settled
from recux.ingest.plan import Row
from recux.ingest.state import Import

Columns = dict[str, Any]
OPINION = ("rating", "raw_rating", "raw_scale", "comment", "recommended")
"""What a revision may change; the rest says which rating it is."""


def write_ratings(run: Import, rows: Sequence[Row]) -> None:
    """Write ratings; each row is written, a revision (updated), unchanged, or put aside."""
    keys = {row.line: _key(row) for row in rows}
    present = _present(run, list(dict.fromkeys(keys.values())))
    new: dict[str, Columns] = {}
    replaced: list[int] = []
    for row in settled(run, rows):
        key = keys[row.line]
        before = present.get(key)
        after = {**(before or _blank(run, row, key)), **opinion_of(row)}
        if before == after:
            run.unchanged += 1
        elif before is None:
            run.written += 1
            new[key] = after
        elif run.contradicts(row, key, "rating"):
            continue
        else:
            run.updated += 1
            replaced.append(after.pop("id"))
            new[key] = {**after, "received_at": now()}
        present[key] = after
        run.first_line.setdefault(key, row.line)
    retire(run, Rating, replaced)
    insert_many(run.session, Rating, list(new.values()))


def retire(run: Import, table: type[Any], ids: list[int]) -> None:
    """Make revisions that were replaced no longer current."""
    if ids:
        statement = sa.update(table).where(col(table.id) == sa.bindparam("old")).values(current=False)
        run.session.connection().execute(statement, [{"old": key} for key in ids])


def is_current(table: str) -> sa.TextClause:
    """The condition that the partial indexes are made of, in their own words: SQLite matches it by its text."""
    return sa.text(f"{table}.current")


def _present(run: Import, keys: list[str]) -> dict[str, Columns]:
    table: sa.Table = Rating.__table__  # type: ignore[attr-defined]

    def those(part: list[str]) -> Selected:
        return sa.select(table).where(table.c.study_id == run.study_id, is_current("rating"), table.c.row_key.in_(part))

    return {row.row_key: dict(row._mapping) for row in chunked_rows(run, those, keys)}


def _key(row: Row) -> str:
    said = row.values
    return rating_key(said["participant_id"], said["item_id"], said.get("slate_id"), said.get("rated_at"))


def _blank(run: Import, row: Row, key: str) -> Columns:
    slate = row.values.get("slate_id")
    return {
        "study_id": run.study_id,
        "participant_id": run.people[row.values["participant_id"]].id,
        "item_id": run.items[row.values["item_id"]],
        "slate_id": run.slates[slate].id if slate else None,
        "row_key": key,
        "current": True,
        **dict.fromkeys(OPINION),
        "rated_at": row.values.get("rated_at"),
        "received_at": now(),
    }


def opinion_of(row: Row) -> Columns:
    """What the row says of the columns that a revision may change."""
    rating = row.values["rating"]
    more: Columns = {name: row.values[name] for name in ("comment", "recommended") if name in row.values}
    return {"rating": rating.value, "raw_rating": rating.raw, "raw_scale": rating.scale, **more}
