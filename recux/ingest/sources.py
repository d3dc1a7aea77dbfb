"""Files -> records: CSV, JSON Lines and Parquet, each also gzipped, with the physical line of every record.

What a file *is* follows from its first bytes, then from its name. A file that cannot be read at all (empty, binary,
cut off, not UTF-8, a quote that is never closed) raises :class:`InvalidInput`; a single record that cannot be read
comes back with a ``problem``, so that it can be quarantined like any other bad row.
"""

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from recux.errors import InvalidInput, NotFound
from recux.ingest.json_line import decoded

ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
LONGEST_FIELD = 10_000_000
"""Characters of a CSV field; a longer one is no field but a quote that was never closed."""
LOOK_AHEAD = 1000
"""Records of a format without a header that are looked at to learn its columns."""
FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x89PNG": "a PNG image",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "a SQLite database",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


class Record(NamedTuple):
    """One row of a file, before any interpretation."""

    line: int
    """The physical line it starts on, counted from 1; the row's number in Parquet and in rows given in memory."""
    cells: dict[str, Any]
    """By column; None for NaN, too, which tools write where there is nothing."""
    problem: str | None = None
    """Why the record could not be read; ``cells`` then holds what there is."""


@dataclass(frozen=True)
class Source:
    """Where records come from."""

    name: str
    columns: tuple[str, ...]
    """The header, or the names seen in the first records of a format without one."""
    records: Iterator[Record]


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked where it is gzipped. Raises NotFound, and InvalidInput for damaged gzip data."""
    if not path.is_file():
        raise NotFound(f"{path}: there is no such file")
    with path.open("rb") as raw, _uncompressed(raw) as handle, _damage_reported(path.name):
        yield handle


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a file for reading record by record.

    Raises NotFound when there is no such file, InvalidInput when it cannot be understood or holds no rows.
    """
    with open_bytes(path) as handle:
        source = _recognise(path, handle)
        first = next(source.records, None)
        if first is None:
            raise InvalidInput(f"{path.name} holds no rows, only {', '.join(source.columns) or 'blank lines'}")
        yield Source(source.name, source.columns, chain([first], source.records))


def from_rows(rows: Iterable[Mapping[str, Any]], name: str) -> Source:
    """Rows that are in memory already, numbered from 1."""
    return _with_seen_columns(name, (Record(number, _with_gaps(row)) for number, row in enumerate(rows, 1)))


def _with_gaps(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(cell, float) and math.isnan(cell) else cell for name, cell in row.items()}


def _uncompressed(raw: IO[bytes]) -> IO[bytes]:
    return gzip.GzipFile(fileobj=raw) if _peek(raw, 2) == b"\x1f\x8b" else raw  # type: ignore[return-value]


def _peek(handle: IO[bytes], size: int) -> bytes:
    start = handle.read(size)
    handle.seek(0)
    return start


@contextmanager
def _damage_reported(name: str) -> Iterator[None]:
    try:
        yield
    except EOFError:
        raise InvalidInput(f"{name} ends in the middle of its gzip data; copy it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{name} is damaged gzip data ({error}); copy it again") from None


def _recognise(path: Path, handle: IO[bytes]) -> Source:
    start = _peek(handle, 1024)
    if not start.strip():
        raise InvalidInput(f"{path.name} is empty")
    for magic, what in FOREIGN.items():
        if start.startswith(magic):
            raise InvalidInput(f"{path.name} is {what}; save it as CSV (UTF-8), JSON Lines or Parquet")
    if start.startswith(b"PAR1"):
        return _parquet(path.name, handle)
    if b"\0" in start.split(b"\n")[0]:
        raise InvalidInput(f"{path.name} is a binary file; give CSV (UTF-8), JSON Lines or Parquet")
    text = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="surrogateescape", newline="")
    suffixes = {suffix.lower() for suffix in path.suffixes}
    is_json = suffixes & {".jsonl", ".ndjson", ".json"} or start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    return (_json_lines if is_json and ".csv" not in suffixes else _csv)(path.name, _lines(path.name, text))


def _lines(name: str, text: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(text, 1):
        bad = None if line.isascii() else ESCAPED_BYTE.search(line)
        if bad:
            byte = ord(bad[0]) - 0xDC00
            raise InvalidInput(
                f"{name}, line {number}: byte 0x{byte:02x} is not UTF-8; it is a binary file, or text in another "
                "encoding: save it as CSV UTF-8"
            )
        yield line


def _csv(name: str, lines: Iterator[str]) -> Source:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(lines, strict=True)
    try:
        header = tuple(cell.strip() for cell in next((row for row in reader if row), ()))
    except csv.Error as error:
        raise InvalidInput(f"{name}, line 1: the header cannot be read ({error})") from None
    if not any(header):
        raise InvalidInput(f"{name} is empty")
    named = tuple(column for column in header if column)
    doubled = _doubled(named)
    if doubled:
        raise InvalidInput(f"{name}, line 1: more than one column is named {doubled}")
    # one column without a name is often a row's number, and a map can name it; several are what a spreadsheet left over
    return Source(name, named if header.count("") > 1 else header, _csv_records(name, header, reader))


def _doubled(columns: tuple[str, ...]) -> str:
    """The names that two columns have: which one is meant, nobody can tell."""
    return ", ".join(sorted({repr(column) for column in columns if columns.count(column) > 1}))


def _csv_records(name: str, header: tuple[str, ...], reader: Any) -> Iterator[Record]:
    unnamed = [place for place, column in enumerate(header) if not column]
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                raise InvalidInput(f"{name}, line {line}: a quote that opens here is never closed") from None
            yield Record(line, {}, "text follows a closing quote; write a quote inside a field twice")
            continue
        if len(unnamed) > 1 and any(row[place].strip() for place in unnamed if place < len(row)):
            yield Record(line, {}, "has a value in a column without a name")
        elif len(row) == len(header):
            yield Record(line, dict(zip(header, row, strict=True)))
        elif row:
            problem = f"has {len(row)} cells where the header has {len(header)}"
            yield Record(line, dict(zip(header, row, strict=False)), problem)


def _json_lines(name: str, lines: Iterator[str]) -> Source:
    return _with_seen_columns(name, _json_records(lines))


def _json_records(lines: Iterator[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = decoded(line)
        except (ValueError, RecursionError) as error:
            yield Record(number, {}, f"is not JSON ({error}); write one object a line")
            continue
        if isinstance(value, dict):
            yield Record(number, value)
        else:
            yield Record(number, {}, "is not a JSON object; write one object a line")


def _with_seen_columns(name: str, records: Iterator[Record]) -> Source:
    first = list(islice(records, LOOK_AHEAD))
    columns = dict.fromkeys(column for record in first for column in record.cells)
    if first and not columns and first[0].problem:
        raise InvalidInput(f"{name}, line {first[0].line}: {first[0].problem}")
    return Source(name, tuple(columns), chain(first, records))


def _parquet(name: str, handle: IO[bytes]) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = io.BytesIO(handle.read()) if isinstance(handle, gzip.GzipFile) else handle
        file = pq.ParquetFile(content)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{name} is damaged Parquet data ({_first_line(error)}); copy it again") from None
    columns = tuple(file.schema_arrow.names)
    doubled = _doubled(columns)
    if doubled:
        raise InvalidInput(f"{name}: more than one column is named {doubled}")
    return Source(name, columns, _parquet_records(name, file))


def _parquet_records(name: str, file: Any) -> Iterator[Record]:
    import pyarrow as pa

    number, gaps = 0, any(map(pa.types.is_floating, file.schema_arrow.types))
    try:
        for batch in file.iter_batches(batch_size=5000):
            for cells in batch.to_pylist():
                number += 1
                yield Record(number, _with_gaps(cells) if gaps else cells)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{name} is damaged after row {number} ({_first_line(error)}); copy it again") from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
