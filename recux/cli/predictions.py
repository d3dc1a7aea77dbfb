"""What to predict: texts or pairs, from a file or standard input."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from recux.cli.common import as_file
from recux.errors import InvalidInput
from recux.ingest.sources import Record, open_bytes, open_source
from recux.ingest.values import BadValue, as_written, whole
from recux.rounds.predict import AskedPair

TABLES = {".csv", ".jsonl", ".ndjson", ".json", ".parquet"}


def read_texts(file: Path | None) -> list[str]:
    """The column ``text`` of a table, or the lines of anything else; an empty line stays an empty text.

    Lines end as files' lines do: a form feed or a line separator inside a comment is part of it.
    """
    with as_file(file) as path:
        if _is_table(path, ["text"]):
            return [row[0] for row in _columns(path, ["text"])]
        try:
            with open_bytes(path) as handle:
                lines = io.TextIOWrapper(handle, encoding="utf-8-sig").read().removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{path.name} is not UTF-8 text (byte {error.start})") from None
    if not any(line.strip() for line in lines):
        raise InvalidInput(f"{path.name} is empty")
    return lines


def read_pairs(file: Path | None) -> list[AskedPair]:
    """The columns ``participant_id``, ``item_id`` and, if any, ``position`` of CSV, JSON Lines or Parquet."""
    with as_file(file) as path:
        rows = _columns(path, ["participant_id", "item_id"], optional=["position"])
    pairs = []
    for number, (participant, item, position) in enumerate(rows, 1):
        if not participant or not item:
            raise InvalidInput(f"{path.name}, row {number}: participant_id and item_id must both be given")
        pairs.append(AskedPair(participant.strip(), item.strip(), _position(position, f"{path.name}, row {number}")))
    return pairs


def _position(text: str, where: str) -> int:
    """A place in a list; the first where nothing is said."""
    try:
        return whole(text, low=1, high=10_000) or 1
    except BadValue as problem:
        raise InvalidInput(f"{where}: position {text!r} {problem}") from None


def _columns(path: Path, names: list[str], optional: Sequence[str] = ()) -> list[list[str]]:
    with open_source(path) as source:
        missing = [name for name in names if name not in source.columns]
        if missing:
            raise InvalidInput(f"{path.name} has no column {missing[0]!r}; it has {', '.join(source.columns)}")
        rows = []
        for record in source.records:
            if record.problem:
                raise InvalidInput(f"{path.name}, line {record.line}: {record.problem}")
            rows.append([_text(path, record, name) for name in (*names, *optional)])
        return rows


def _text(path: Path, record: Record, name: str) -> str:
    cell = record.cells.get(name)
    try:
        return "" if cell is None else as_written(cell)
    except BadValue as error:
        raise InvalidInput(f"{path.name}, line {record.line}: {name} {error}") from None


def _is_table(path: Path, names: list[str]) -> bool:
    if {suffix.lower() for suffix in path.suffixes} & TABLES:
        return True
    with open_bytes(path) as handle:
        first = handle.readline(100_000).decode("utf-8-sig", "replace").strip()
    header = next(csv.reader(first.split("\r")[:1]), [])
    return first.startswith("{") or set(names) <= {cell.strip() for cell in header}
