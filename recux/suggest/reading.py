"""From selects to arrays, and from database ids to row numbers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from recux.suggest.columns import Floats, Ints

Row = sa.Select[*tuple[Any, ...]]
Rows = Mapping[str, Any]
"""Arrays of one length by column: whole numbers and flags as such, all else as objects with None where missing."""

TRANSLATED = (sa.JSON, sa.DateTime, UTCDateTime)


def read(session: Session, statement: Row) -> Rows:
    """What a select finds. Whole numbers and flags must not be missing: see `known`.

    The rows are taken as the driver has them, straight into arrays, which for a million saves most of the time; they
    pass through SQLAlchemy only where it has something to translate.
    """
    columns = statement.selected_columns
    kind = np.dtype([(column.key, _kind(column.type)) for column in columns])
    result = session.connection().execute(statement)
    as_is = not any(isinstance(column.type, TRANSLATED) for column in columns)
    source: Any = result.cursor if as_is else map(tuple, result)
    rows = np.fromiter(source, dtype=kind)
    result.close()
    return {name: np.ascontiguousarray(rows[name]) for name in kind.names or ()}


def _kind(sort: Any) -> str:
    return "?" if isinstance(sort, sa.Boolean) else "i8" if isinstance(sort, sa.Integer) else "O"


def known(column: Any, name: str) -> sa.ColumnElement[int]:
    """An id that may be missing, which becomes -1."""
    return sa.func.coalesce(column, -1, type_=sa.Integer()).label(name)


class Index:
    """Row numbers of database ids."""

    def __init__(self, ids: Iterable[int | None]) -> None:
        self._index = pd.Index(np.array(list(ids), dtype=np.int64))
        self.size = len(self._index)

    def numbers(self, ids: Ints) -> Ints:
        """Row number of each id; -1 for ids that are not in the index."""
        return np.asarray(self._index.get_indexer(pd.Index(ids)), dtype=np.int64)


def moment(column: Any, name: str) -> sa.ColumnElement[Any]:
    """A time left as the driver has it (text on SQLite): numpy parses a million of them in no time."""
    return sa.type_coerce(column, sa.Text()).label(name)


def seconds(times: Any) -> Floats:
    """Times as seconds since 1970, NaN where missing, shape (rows,)."""
    if isinstance(next((time for time in times if time is not None), None), datetime):
        moments = pd.to_datetime(pd.Series(times, dtype=object), utc=True).dt.tz_localize(None).to_numpy()
    else:
        moments = np.asarray(times, dtype="datetime64[us]")
    whole = moments.astype("datetime64[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(moments), np.nan, whole)
