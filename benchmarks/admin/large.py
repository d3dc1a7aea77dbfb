"""A large study in seconds: a million ratings, interactions and requests, a hundred rounds, by bulk inserts.

The rows are drawn at random; arm b is liked a little better and is slower, so that there is something to suggest. The
figures of the newest round are computed as a round computes them; earlier rounds get the same figures, moved a little
from round to round, as their values do not matter here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import SQLModel

from db.bulk import insert_rows, table_of
from db.engine import build_engine, write_session
from db.tables import (
    Answer,
    Arm,
    Batch,
    BatchRow,
    Figure,
    Impression,
    Interaction,
    Item,
    Participant,
    Rating,
    Request,
    Response,
    Round,
    Slate,
    Study,
    Suggestion,
)

SLUG = "large"
EACH = 10
"""Ratings, interactions and requests of a person."""
ITEMS, COHORTS, CATEGORIES = 5_000, 12, 20
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 200
SAID = ("Too expensive for what it is", "arrived late", "nice colour, good fit", "价格太贵", "I had seen it before")
CHUNK = 100_000


@dataclass(frozen=True)
class Size:
    """How large the study is."""

    people: int = 100_000
    rounds: int = 100

    @property
    def ratings(self) -> int:
        """As many interactions and requests, too."""
        return self.people * EACH


def build(url: str, size: Size, *, seed: int = 1) -> int:
    """Write the study into a migrated, empty database; returns the id of the newest round, whose figures are to be
    computed still.
    """
    engine = build_engine(url, foreign_keys=False)
    rng = np.random.default_rng(seed)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA cache_size=-400000")
        for table, names, columns in _tables(size, rng):
            _insert(connection, table, names, columns)
    _finish(engine)
    engine.dispose()
    return size.rounds


def repeat_figures(url: str, size: Size, *, seed: int = 2) -> None:
    """Give every earlier round the newest one's figures, and its suggestions as expired ones."""
    engine, rng = build_engine(url), np.random.default_rng(seed)
    with write_session(engine) as session:
        for table in (Figure, Suggestion):
            names = [c.name for c in table_of(table).columns if c.name != "id"]
            newest = session.exec(sa.select(table).where(table.round_id == size.rounds)).scalars().all()
            rows = [[getattr(row, name) for name in names] for row in newest]
            at = {name: place for place, name in enumerate(names)}
            moved = [
                _moved(row, at, number, float(rng.normal(0, 0.02))) for number in range(1, size.rounds) for row in rows
            ]
            if moved:
                insert_rows(session.connection(), table, names, moved)
    engine.dispose()


def _moved(row: Sequence[Any], at: dict[str, int], number: int, by: float) -> list[Any]:
    copy = list(row)
    copy[at["round_id"]] = number
    if "status" in at:
        copy[at["status"]] = "expired"
    elif copy[at["value"]] is not None:
        for name in ("value", "ci_low", "ci_high"):
            copy[at[name]] = None if copy[at[name]] is None else copy[at[name]] * (1 + by)
    return copy


Table = tuple[type[SQLModel], tuple[str, ...], list[Any]]
"""A table, its columns, and their values."""


def _tables(size: Size, rng: np.random.Generator) -> Iterator[Table]:
    n, total = size.people, size.ratings
    yield Study, *_columns(1, slug=SLUG, title="A large pilot", domain="e-commerce", status="live", salt="salt",
        languages=["en", "zh_CN"], primary_metric="mean_rating", slate_size=EACH,
        batch_size=total // size.rounds, batch_max_age_hours=8000.0, instruments=["nps", "csat"],
        objectives={"p95_ms": 300.0, "failure_rate": 0.02},
        steps=["consent", "slate", "questionnaires", "thanks"], design="between", shuffle=False, per_list=[],
        debrief={}, own_answers=False, panel={},
        synthetic=True, created_at=START, launched_at=START, min_group=5, retention={},
        edit_version=1)  # fmt: skip
    yield Arm, *_columns(2, study_id=1, key=["a", "b"], title=["Control", "Fine-tuned"], weight=1.0,
                         source="imported", options={})  # fmt: skip
    number = np.arange(ITEMS)
    yield Item, *_columns(ITEMS, study_id=1, external_id=[f"i{k}" for k in number], tags=[], attributes={},
        title=[f"Article {k}" for k in number], description=[f"Number {k} of the collection" for k in number],
        category=[f"kind{k % CATEGORIES}" for k in number], price=10.0)  # fmt: skip
    arm, moment = rng.integers(1, 3, n), _moments(n, rng)
    yield Participant, *_columns(n, study_id=1, external_id=[f"p{k}" for k in range(n)], arm_id=arm.tolist(),
        cohort=[f"cohort{k}" for k in rng.integers(0, COHORTS, n)], interests=[], attributes={}, came_by="invite",
        language=np.array(["en", "zh_CN"], dtype=object)[rng.integers(0, 2, n)].tolist(), passed=[], test=False,
        created_at=moment, finished_at=moment)  # fmt: skip
    yield Slate, *_columns(n, study_id=1, participant_id=_ids(n), arm_id=arm.tolist(), served_at=moment,
        external_id=[f"s{k}" for k in range(n)], source="imported")  # fmt: skip
    person = np.repeat(np.arange(n), EACH)
    item = rng.integers(1, ITEMS + 1, total).tolist()
    slate, when = (person + 1).tolist(), [moment[k] for k in person]
    yield Impression, *_columns(total, slate_id=slate, item_id=item, shown_at=when,
                                position=np.tile(np.arange(1, EACH + 1), n).tolist())  # fmt: skip
    mood = rng.normal(0, 0.6, n)[person] + 0.3 * (arm[person] == 2)
    rating = np.clip(np.floor(3.7 + mood + rng.normal(0, 0.9, total) + 0.5), 1, 5).tolist()
    comment = np.array([None] * 4 + list(SAID), dtype=object)[rng.integers(0, 4 + len(SAID), total)].tolist()
    yield Rating, *_columns(total, study_id=1, participant_id=slate, item_id=item, slate_id=slate, current=True,
        row_key=_keys("a", total), rating=rating, comment=comment, rated_at=when, received_at=when)  # fmt: skip
    yield from _answers(n, moment, mood[::EACH], rng)
    kind = np.array(["click", "view", "view", "purchase"], dtype=object)[rng.integers(0, 4, total)].tolist()
    yield Interaction, *_columns(total, study_id=1, participant_id=slate, item_id=item, slate_id=slate,
                                 row_key=_keys("b", total), occurred_at=when, kind=kind)  # fmt: skip
    duration = np.exp(rng.normal(5.0 + 0.3 * (arm[person] == 2), 0.4)).round(1).tolist()
    outcome = np.where(rng.random(total) < 0.01, "error", "ok").tolist()
    yield Request, *_columns(total, study_id=1, arm_id=arm[person].tolist(), slate_id=slate, requested_at=when,
        row_key=_keys("c", total), duration_ms=duration, endpoint="/slate", outcome=outcome,
        slate_size=EACH)  # fmt: skip
    yield from _rounds(size)


def _answers(n: int, moment: list[datetime], mood: Any, rng: np.random.Generator) -> Iterator[Table]:
    """One response a person; each to the recommendation question, and its score."""
    yield Response, *_columns(n, study_id=1, participant_id=_ids(n), instrument="nps", version="1", language="en",
                              wave=1, started_at=moment, completed_at=moment)  # fmt: skip
    score = np.clip(np.round(7.5 + 2 * mood + rng.normal(0, 1, n)), 0, 10).tolist()
    yield Answer, *_columns(n, study_id=1, response_id=_ids(n), question="score", current=True, value=score,
                            refused=False, answered_at=moment, received_at=moment)  # fmt: skip


def _rounds(size: Size) -> Iterator[Table]:
    k, each, people = size.rounds, size.ratings // size.rounds, size.people // size.rounds
    closed = [START + timedelta(days=DAYS * (number + 1) / k) for number in range(k)]
    yield Batch, *_columns(k, study_id=1, number=_ids(k), closed_by="size", closed_at=closed, ratings=each,
                           answers=people, period_start=START, content_hash="0" * 64)  # fmt: skip
    yield Round, *_columns(k, study_id=1, batch_id=_ids(k), number=_ids(k), status="done", progress={}, config={},
                           created_at=closed, started_at=closed, finished_at=closed)  # fmt: skip
    for kind, number, in_each in (("rating", size.ratings, each), ("answer", size.people, people)):
        batch = np.minimum(np.arange(number) // in_each + 1, k).tolist()
        names = ("kind", "row_id", "batch_id", "row_hash")
        yield BatchRow, names, [[kind] * number, _ids(number), batch, ["0" * 32] * number]


def _moments(n: int, rng: np.random.Generator) -> list[datetime]:
    """In ascending order, so that a person's batch follows from the number."""
    seconds = np.sort(rng.uniform(0, DAYS * 86_400, n))
    return [START + timedelta(seconds=float(second)) for second in seconds]


def _ids(n: int) -> list[int]:
    return list(range(1, n + 1))


def _keys(letter: str, n: int) -> list[str]:
    return [f"{letter}{k:031x}" for k in range(n)]


def _columns(n: int, **values: Any) -> tuple[tuple[str, ...], list[Any]]:
    """Ids from 1 and the values; what is not a list of n values is the same for all rows."""
    listed = [
        value if isinstance(value, list) and len(value) == n and n > 1 else [value] * n for value in values.values()
    ]
    return ("id", *values), [_ids(n), *listed]


def _insert(connection: sa.Connection, table: type[SQLModel], names: tuple[str, ...], columns: list[Any]) -> None:
    for at in range(0, len(columns[0]), CHUNK):
        rows = list(zip(*(column[at : at + CHUNK] for column in columns), strict=True))
        insert_rows(connection, table, names, rows)


def _finish(engine: sa.Engine) -> None:
    """Let the database know its sizes, and Postgres the ids that were given by hand."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            for table in SQLModel.metadata.sorted_tables:
                if "id" in table.c:
                    name = table.name  # one of our own
                    connection.exec_driver_sql(
                        f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), coalesce(max(id), 1)) FROM \"{name}\""
                    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
