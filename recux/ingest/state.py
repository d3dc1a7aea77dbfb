"""What one import knows and counts while it runs."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlmodel import Session

from db.tables import Study
from recux.collect.assignment import Balance
from recux.ingest.mapping import Map
from recux.ingest.plan import Rejected, Row
from recux.instruments import Instrument
from recux.questionnaires import instrument_of


class Person(NamedTuple):
    """A participant that is in the database."""

    id: int
    arm_id: int | None
    withdrawn: bool


@dataclass
class KnownSlate:
    """A slate that is in the database."""

    id: int
    participant_id: int
    item_ids: set[int]


@dataclass
class Import:
    """One import in one transaction. Lookups fill as rows name things; counts add up to the rows read."""

    session: Session
    study: Study
    study_id: int
    mapping: Map
    balance: Balance
    people: dict[str, Person] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    slates: dict[str, KnownSlate] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    first_line: dict[str, int] = field(default_factory=dict)
    """Key of a row -> the line where this source names it first."""
    occurrences: Counter[str] = field(default_factory=Counter)
    """How often this source has each row of a counted kind so far."""
    all_new: bool = True
    """Whether no row of a counted kind was found to be there already."""
    rejected: list[Rejected] = field(default_factory=list)
    written: int = 0
    updated: int = 0
    unchanged: int = 0
    _helper: ThreadPoolExecutor | None = None
    _at_work: tuple[Future[int], int] | None = None

    def meanwhile(self, insert: Callable[[], int], rows: int) -> None:
        """Let ``insert``, which returns how many of ``rows`` are new, run while the next rows are read.

        The connection is its own until :meth:`settle`, which everybody calls who needs the connection.
        """
        self.settle()
        self._helper = self._helper or ThreadPoolExecutor(1, "import")
        self._at_work = self._helper.submit(insert), rows

    def settle(self) -> None:
        """Wait for what is still being written, and count it. Raises what it raised."""
        if self._at_work is not None:
            (future, rows), self._at_work = self._at_work, None
            written = future.result()
            self.written += written
            self.unchanged += rows - written

    def close(self) -> None:
        """Leave no thread behind."""
        if self._helper is not None:
            self._helper.shutdown()

    def instrument(self, name: str) -> Instrument:
        """The study's instrument, as at its launch or since its first answers. Raises NotFound."""
        if name not in self.instruments:
            self.instruments[name] = instrument_of(self.session, self.study_id, name)
        return self.instruments[name]

    def reject(self, row: Row, column: str, reason: str) -> None:
        """Put a row aside, with the value of the column that is to blame."""
        self.rejected.append(Rejected(row.line, column, row.values.get(column), reason))

    def contradicts(self, row: Row, key: str, column: str) -> bool:
        """Whether this source has the same row already, with other values; such a row is put aside."""
        before = self.first_line.get(key)
        if before is None:
            return False
        self.reject(row, column, f"the same row is on line {before} with other values; keep one of them")
        return True

    def arm_ids(self) -> dict[str, int]:
        """Key of each arm of the study -> its id."""
        return {arm.key: arm.id for arm in self.balance.arms if arm.id is not None}


def column_values(rows: Sequence[Row], column: str) -> list[str]:
    """The different values of an id column, in order."""
    found: dict[Any, None] = dict.fromkeys([row[1].get(column) for row in rows])
    found.pop(None, None)
    return list(found)
