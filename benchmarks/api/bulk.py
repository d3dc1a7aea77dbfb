"""A million interactions in one request, against the raw path of the database with the same columns."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.api.servers import RECUX, served
from db.engine import build_engine, write_session
from db.migrate import upgrade
from db.tables import Arm, Item, Participant, Study
from recux.access.keys import create_key

PEOPLE, ITEMS = 2000, 5000
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("study_id", "row_key", "participant_id", "item_id", "slate_id", "kind", "occurred_at", "dwell_ms")


class Bulk(NamedTuple):
    """Seconds of both ways."""

    ours: float
    raw: float
    rows: int


def measure(url: str, raw_url: str, home: Path, *, rows: int) -> Bulk:
    """Send ``rows`` interactions to a fresh ``url``; then write what was stored there to a fresh ``raw_url``."""
    file = home / "interactions.jsonl"
    _write(file, rows)
    key = _plant(url)
    ours = _send(url, home, file, key, rows)
    stored = _stored(url)
    _plant(raw_url)
    return Bulk(ours, _raw(raw_url, stored), rows)


def _send(url: str, home: Path, file: Path, key: str, rows: int) -> float:
    with served(RECUX, url, home) as port, file.open("rb") as body:
        connection = HTTPConnection("127.0.0.1", port, timeout=1200)
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-ndjson",
            "Content-Length": str(file.stat().st_size),
            "Idempotency-Key": "one million",
        }
        start = time.perf_counter()
        connection.request("POST", "/api/v1/studies/bench/import/interactions", body, headers)
        answer = json.loads(connection.getresponse().read())
        took = time.perf_counter() - start
    assert answer["written"] == rows, answer
    return took


def _raw(url: str, stored: list[tuple[Any, ...]]) -> float:
    engine = build_engine(url)
    columns = ", ".join(COLUMNS)
    start = time.perf_counter()
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            marks = ", ".join("?" * len(COLUMNS))
            connection.exec_driver_sql(f"INSERT INTO interaction ({columns}) VALUES ({marks})", stored)
        else:
            driver: Any = connection.connection.driver_connection
            with driver.cursor() as cursor, cursor.copy(f"COPY interaction ({columns}) FROM STDIN") as copy:
                for row in stored:
                    copy.write_row(row)
    took = time.perf_counter() - start
    engine.dispose()
    return took


def _stored(url: str) -> list[tuple[Any, ...]]:
    """What recux stored, as the driver gives it, in the order in which it was written."""
    engine = build_engine(url)
    with engine.connect() as connection:
        columns = ", ".join(COLUMNS)
        rows = connection.exec_driver_sql(f"SELECT {columns} FROM interaction ORDER BY id").all()
    engine.dispose()
    return [tuple(row) for row in rows]


def _write(file: Path, rows: int) -> None:
    draw = random.Random(8)
    kinds = ("view", "view", "view", "click", "purchase", "dismiss")
    with file.open("w") as handle:
        for _ in range(rows):
            row = {
                "participant_id": f"p{draw.randrange(PEOPLE)}",
                "item_id": f"i{draw.randrange(ITEMS)}",
                "kind": draw.choice(kinds),
                "occurred_at": (START + timedelta(seconds=draw.randrange(20_000_000))).isoformat(),
            }
            handle.write(json.dumps(row) + "\n")


def _plant(url: str) -> str:
    upgrade(url)
    engine = build_engine(url)
    with write_session(engine) as session:
        study = Study(slug="bench", title="Bench", salt="salt", status="live")
        session.add(study)
        session.flush()
        session.add(Arm(study_id=study.id, key="a", title="A", source="popularity"))
        session.add_all(Participant(study_id=study.id, external_id=f"p{n}") for n in range(PEOPLE))
        session.add_all(Item(study_id=study.id, external_id=f"i{n}", title=f"Item {n}") for n in range(ITEMS))
        key = create_key(session, "bench", ["ingest"]).secret
    engine.dispose()
    return key
