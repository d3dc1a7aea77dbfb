"""From selects to frames, and from database ids to row numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from recux.suggest.columns import Ints, floats, integers

Row = sa.Select[*tuple[Any, ...]]


CHUNK = 20_000
"""Rows that are turned into columns at once: few enough to stay in the processor's cache."""


def read(session: Session, statement: Row, numeric: tuple[str, ...] = ()) -> pd.DataFrame:
    """A select as a frame; columns that are not named numeric stay objects, so that None stays None."""
    result = session.connection().execute(statement)
    names = list(result.keys())
    columns: list[list[Any]] = [[] for _ in names]
    for rows in _chunks(result, statement):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    return pd.DataFrame(
        {
            name: floats(values) if name in numeric else pd.Series(values, dtype=object)
            for name, values in zip(names, columns, strict=True)
        }
    )


def _chunks(result: sa.CursorResult[*tuple[Any, ...]], statement: Row) -> Iterator[Sequence[Any]]:
    """The rows as the driver has them, which for a million saves half of the time; through SQLAlchemy only where it
    has something to translate.
    """
    translated = (sa.JSON, sa.DateTime, UTCDateTime)
    if any(isinstance(column.type, translated) for column in statement.selected_columns):
        yield from result.partitions(CHUNK)
        return
    cursor: Any = result.cursor
    while rows := cursor.fetchmany(CHUNK):
        yield rows
    result.close()


def index_of(ids: pd.Series) -> pd.Series:
    """Row number of each database id."""
    return pd.Series(np.arange(len(ids)), index=integers(ids))


def numbers(index: pd.Series, ids: Any) -> Ints:
    """Row number of each database id; -1 for ids that are not in the index, or missing."""
    wanted = pd.Index(pd.to_numeric(pd.Series(ids, dtype=object), errors="coerce").fillna(-1).astype("int64"))
    return np.asarray(index.index.get_indexer(wanted), dtype=np.int64)


def moment(column: Any, name: str) -> sa.ColumnElement[Any]:
    """A time left as the driver has it (text on SQLite): pandas parses a million of them much faster."""
    return sa.type_coerce(column, sa.Text()).label(name)


def seconds(times: pd.Series) -> Any:
    """Times as seconds since 1970, NaN where missing, shape (rows,)."""
    moments = pd.to_datetime(times, utc=True, format="ISO8601")
    return np.where(moments.isna(), np.nan, moments.dt.as_unit("us").astype("int64") / 1e6)
