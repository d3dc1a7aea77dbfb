"""A plan: for one set of source columns, which cell fills which of our columns, and how it is read.

It is compiled once per shape of record, so that a row costs one call per column.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from recux.errors import InvalidInput
from recux.ingest import values
from recux.ingest.kinds import KINDS, Column, column_of
from recux.ingest.mapping import MILLISECONDS, Map
from recux.ingest.sources import Record
from recux.ingest.values import BadValue, Reader

Fetch = Callable[[dict[str, Any], int], Any]
MOST_SEEN = 50_000


class Row(NamedTuple):
    """A record that was understood."""

    line: int
    values: dict[str, Any]
    """Our columns that the source has, by name; None where a cell is empty."""


class Rejected(NamedTuple):
    """A row that breaks a rule."""

    line: int
    column: str
    value: Any
    reason: str


class Step(NamedTuple):
    """How one of our columns is filled."""

    column: str
    required: bool
    fetch: Fetch | None
    """How the cell is found; None when it simply stands under ``theirs``."""
    theirs: str
    read: Reader
    seen: dict[str, Any] | None
    """What cells meant that were read before, for columns that say the same few things again and again."""


@dataclass(frozen=True)
class Plan:
    """How records of one shape become rows."""

    steps: tuple[Step, ...]
    missing: tuple[str, ...]
    """Required columns that nothing fills."""
    ignored: tuple[str, ...]
    """Their columns that nothing uses."""


def plan_for(kind: str, mapping: Map, columns: Iterable[str]) -> Plan:
    """The plan for records with these columns."""
    theirs = tuple(columns)
    used = set(mapping.columns.values()) | {part for parts in mapping.join.values() for part in parts}
    named = {name for name in theirs if name not in mapping.ours() and column_of(kind, name)}
    steps = tuple(_step(kind, mapping, name) for name in _in_order(kind, mapping.ours() | named))
    filled = {step.column for step in steps}
    missing = [column.name for column in KINDS[kind] if column.required and column.name not in filled]
    if kind == "requests" and not filled & {"outcome", "http_status"}:
        missing.append("outcome")
    return Plan(steps, tuple(missing), tuple(name for name in theirs if name not in used and name not in named))


def read_row(plan: Plan, record: Record, number: int) -> Row | Rejected:
    """Follow the plan for one record; ``number`` is the row's number from 1. The first broken rule counts."""
    if record.problem:
        return Rejected(record.line, "", "", record.problem)
    if plan.missing:
        return Rejected(record.line, plan.missing[0], "", f"{plan.missing[0]} is missing")
    found: dict[str, Any] = {}
    cells = record.cells
    column, cell = "", None
    try:
        for column, required, fetch, theirs, read, seen in plan.steps:
            if fetch is None:
                cell = cells.get(theirs)
            else:
                cell = None  # not the one before, should this fail
                cell = fetch(cells, number)
            if cell is None or cell == "":
                value = None
            elif seen is None or type(cell) is not str:
                value = read(cell)
            else:
                value = seen.get(cell) or _read_and_keep(read, cell, seen)
            if required and value is None:
                return Rejected(record.line, column, cell, f"{column} is empty")
            found[column] = value
    except BadValue as error:
        return Rejected(record.line, column, cell, f"{column} {error}")
    return Row(record.line, found)


def _read_and_keep(read: Reader, cell: str, seen: dict[str, Any]) -> Any:
    value = read(cell)
    if len(seen) < MOST_SEEN:
        seen[cell] = value
    return value


def require_columns(plan: Plan, kind: str, source: str, columns: tuple[str, ...]) -> None:
    """Raise InvalidInput when the source cannot fill a required column, saying how to map it."""
    if not plan.missing:
        return
    wanted = plan.missing[0]
    also = " (or http_status)" if wanted == "outcome" else ""
    separators = [mark for mark in (";", "\t") if len(columns) == 1 and mark in columns[0]]
    hint = " The columns must be separated by commas." if separators else ""
    like = (get_close_matches(wanted, columns, 1, 0.3) or list(columns) or ["theirs"])[0]
    raise InvalidInput(
        f"{source}: {kind} need the column {wanted!r}{also}; the file has {', '.join(columns)}.{hint} If one of these "
        f"is meant, rename it, or say so in a map file (recux import --map MAP.toml), for example: "
        f'[columns] {wanted} = "{like}"'
    )


def _in_order(kind: str, names: set[str]) -> list[str]:
    order = {column.name: place for place, column in enumerate(KINDS[kind])}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def _step(kind: str, mapping: Map, name: str) -> Step:
    column = column_of(kind, name)
    assert column is not None  # check_map and plan_for let only known names through
    fetch = _changed(column, mapping, _fetch(mapping, name))
    read = _reader(column, mapping)
    theirs = mapping.columns.get(name, name)
    return Step(name, column.required, fetch, theirs, read, {} if _repeats(read) else None)


def _changed(column: Column, mapping: Map, fetch: Fetch | None) -> Fetch | None:
    """``fetch`` with what the map does to the cell on the way."""
    name = column.name
    plain = fetch or _standing_under(mapping.columns.get(name, name))
    found = plain
    if name in mapping.values:
        found = _translated(found, mapping.values[name])
    if name in mapping.prefixes():
        found = _prefixed(found, mapping.prefixes()[name])
    separator = mapping.separators.get(name)
    if separator and name not in mapping.join and column.read is not values.names:
        found = _first_part(found, separator)
    return fetch if found is plain else found


def _standing_under(theirs: str) -> Fetch:
    return lambda cells, _number: cells.get(theirs)


def _repeats(read: Reader) -> bool:
    """Whether cells of this kind are read to the same, unchanging value again and again."""
    return read is values.name or (isinstance(read, partial) and read.func is values.choice)


def _fetch(mapping: Map, name: str) -> Fetch | None:
    if name in mapping.fixed():
        value = mapping.fixed()[name]
        return lambda _cells, _number: value
    if name == mapping.options.row_number_as:
        return lambda _cells, number: str(number)
    if name in mapping.join:
        return _joined(mapping.join[name], mapping.separators.get(name, "\n"))
    return None


def _joined(columns: list[str], glue: str) -> Fetch:
    def fetch(cells: dict[str, Any], _number: int) -> Any:
        parts = [values.as_written(cells[name]).strip() for name in columns if cells.get(name) is not None]
        return glue.join(part for part in parts if part)

    return fetch


def _translated(fetch: Fetch, table: dict[str, Any]) -> Fetch:
    def translated(cells: dict[str, Any], number: int) -> Any:
        cell = fetch(cells, number)
        return cell if cell is None or isinstance(cell, list | dict) else table.get(values.as_written(cell), cell)

    return translated


def _prefixed(fetch: Fetch, prefix: str) -> Fetch:
    def prefixed(cells: dict[str, Any], number: int) -> Any:
        cell = fetch(cells, number)
        said = None if cell is None or isinstance(cell, list | dict) else values.as_written(cell)
        return f"{prefix}{said}" if said else cell

    return prefixed


def _first_part(fetch: Fetch, separator: str) -> Fetch:
    def first(cells: dict[str, Any], number: int) -> Any:
        cell = fetch(cells, number)
        return cell.split(separator)[0] if isinstance(cell, str) else cell

    return first


def _reader(column: Column, mapping: Map) -> Reader:
    options = mapping.options
    if column.name in mapping.separators and column.read is values.names:
        return partial(values.names, separator=mapping.separators[column.name])
    if column.name == "rating" and "rating" in mapping.rescale:
        low, high = mapping.rescale["rating"].bounds
        return partial(values.rating, low=low, high=high)
    if column.read is values.milliseconds:
        units = {str(name): unit for name, unit in mapping.units.items()}
        return partial(values.milliseconds, factor=MILLISECONDS[units.get(column.name, "ms")])
    if column.read is values.moment and options.timezone:
        return partial(values.moment, zone=ZoneInfo(options.timezone))
    return column.read
