"""What an import did, and the file of the rows that it put aside."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from recux.errors import InvalidInput
from recux.ingest.plan import Rejected
from recux.spreadsheet import safe_cell

COLUMNS = ("file", "line", "column", "value", "reason")
LONGEST_VALUE = 200


@dataclass(frozen=True)
class ImportResult:
    """The counts of one import; ``read = written + updated + unchanged + quarantined``.

    A dry run has the counts that the import would have. Where a bad row made the whole source be refused, nothing is
    written, and good rows count as unchanged.
    """

    read: int
    written: int
    updated: int
    unchanged: int
    quarantined: int
    quarantine_file: Path | None = None
    """CSV with file, line, column, value and reason of every row put aside; None when there is none."""
    rejected: tuple[Rejected, ...] = ()
    """The first rows put aside, at most 20."""
    ignored_columns: tuple[str, ...] = ()
    """Columns of the source that nothing used."""
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """The public document of ``recux import --json``."""
        counts = {name: getattr(self, name) for name in ("read", "written", "updated", "unchanged", "quarantined")}
        return {**counts, "quarantine_file": str(self.quarantine_file) if self.quarantine_file else None}


class Refused(InvalidInput):
    """Nothing was written, because rows break rules; ``result`` holds the counts."""

    def __init__(self, source: str, result: ImportResult) -> None:
        self.result = result
        first = result.rejected[0]
        where = f" All are in {result.quarantine_file}." if result.quarantine_file else ""
        super().__init__(
            f"{source}: nothing was written, because {result.quarantined} of {result.read} rows break a rule. "
            f"The first: line {first.line}, {describe(first)}.{where} Correct them, or keep the "
            "good rows with --skip-bad."
        )


def describe(rejected: Rejected) -> str:
    """The reason with the value to blame, in one line."""
    value = shown(rejected.value)
    return f"{rejected.reason} (found: {value!r})" if value else rejected.reason


def shown(value: Any) -> str:
    """A value as text that any file and any terminal can take, at most 200 characters."""
    text = "" if value is None else str(value)
    text = text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def write_quarantine(folder: Path, label: str, source: str, rejected: Sequence[Rejected]) -> Path:
    """Write the rows put aside to a new CSV file in ``folder``; ``label`` begins its name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{label}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for row in sorted(rejected, key=lambda one: one.line):
            cells = (source, row.line, row.column, shown(row.value), row.reason)
            writer.writerow([safe_cell(cell) for cell in cells])
    return path
