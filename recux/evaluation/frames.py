"""From a select to a data frame, fast enough for a million rows."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlmodel import Session

from recux.evaluation.scope import Scope, arm_keys


def read(session: Session, statement: sa.Select[*tuple[Any, ...]], kinds: Mapping[str, str]) -> pd.DataFrame:
    """A Core select as a frame, column by column: a quarter of the time that rows of objects take.

    ``kinds`` names the types that a column must have even when there is no row.
    """
    result = session.connection().execute(statement)
    names, rows = list(result.keys()), result.all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    series = {name: pd.Series(list(values), dtype=kinds.get(name)) for name, values in zip(names, columns, strict=True)}
    return pd.DataFrame(series)


def frame_of(
    session: Session, statement: sa.Select[*tuple[Any, ...]], kinds: Mapping[str, str], moments: tuple[str, ...] = ()
) -> pd.DataFrame:
    """``read``, with the named columns as times in UTC (NaT: none)."""
    frame = read(session, statement, kinds)
    for name in moments:
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


def moment(column: Any) -> sa.ColumnElement[Any]:
    """A time left as the driver has it (text on SQLite): pandas parses a million of them in a quarter of a second."""
    return sa.type_coerce(column, sa.Text())


def arm(column: Any) -> sa.ColumnElement[int]:
    """An arm's id, 0 for none, to be named by ``with_arms``."""
    return sa.func.coalesce(column, 0).label("arm")


def with_arms(session: Session, scope: Scope, frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with arms by key instead of by id."""
    return frame.assign(arm=frame.arm.map({0: "", **arm_keys(session, scope.study)}).astype("str"))


def of_study(session: Session, scope: Scope, study: Any, participant: Any) -> sa.ColumnElement[bool]:
    """The row is of the scope's study, or of its people where it names some.

    People belong to one study, so the study is not asked for then: the database would look through all of it.
    """
    if scope.people is None:
        return sa.ColumnElement.__eq__(study, scope.study)
    return among(session, participant, scope.people)


def among(session: Session, column: Any, ids: Sequence[int]) -> sa.ColumnElement[bool]:
    """``column`` is one of these ids, of which there may be a hundred thousand."""
    if session.get_bind().dialect.name == "sqlite":
        values = sa.func.json_each(json.dumps([int(one) for one in ids])).table_valued("value")
        return sa.ColumnElement.in_(column, sa.select(values.c.value))
    array = sa.cast([int(one) for one in ids], postgresql.ARRAY(sa.BigInteger))
    return sa.ColumnElement.__eq__(column, sa.any_(array))


def span(column: Any, scope: Scope) -> sa.ColumnElement[bool]:
    """The row's time is inside the scope's."""
    inside = [sa.true()]
    if scope.after is not None:
        inside.append(column > scope.after)
    if scope.until is not None:
        inside.append(column <= scope.until)
    return sa.and_(*inside)


def within(column: Any, scope: Scope) -> sa.ColumnElement[bool]:
    """The row's time is inside the scope's, or not known."""
    return sa.or_(column.is_(None), span(column, scope))


def unindexed(column: Any, value: int) -> sa.ColumnElement[bool]:
    """``column`` is ``value``, written so that SQLite does not go through an index of it: all rows of a large study
    carry the same value, and another condition finds the few that are wanted.
    """
    return sa.ColumnElement.__eq__(column + 0, value)
