"""Time and memory of a round's figures: everything at once, and the next round after a small and a large history.

    python -m benchmarks.evaluation [--ratings 1000000] [--batch 2000]

Builds databases of its own (SQLite) in a temporary folder, so that it changes nothing. Prints one markdown table.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from sqlmodel import col, select

from db.engine import build_engine, insert_many, read_session, write_session
from db.migrate import upgrade
from db.tables import (
    Answer,
    Arm,
    Batch,
    BatchRow,
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
)  # fmt: skip

START = datetime(2026, 1, 1, tzinfo=UTC)
EACH = 10  # ratings, calls and shown items a person
CATALOGUE = 2000


def main() -> None:
    """Print the table; each row runs in a process of its own, so that its peak memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=2000, help="ratings of the round after the history")
    parser.add_argument("--only", nargs=2, metavar=("URL", "WHAT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        measure(*asked.only, asked.batch // EACH)
        return
    print(
        "| what | rows of history | rows of the batch | seconds | processor | peak memory |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for ratings in (asked.ratings // 10, asked.ratings):
            url = f"sqlite:///{Path(folder) / f'{ratings}.db'}"
            build(url, ratings // EACH)
            rows = 3 * ratings + ratings // 10 + ratings // 5
            show("the report of everything", url, "report", 0, rows)
            show("first round, everything at once", url, "1", 0, rows)
            history, batch = (3 * n + n // 10 + n // 5 for n in (ratings, asked.batch))
            show("the round after it", url, "2", history, batch, asked.batch)
            show("the next round", url, "3", history + batch, batch, asked.batch)


def show(what: str, url: str, step: str, history: int, batch: int, size: int = 0) -> None:
    """Run one measurement in a fresh process and print its row."""
    command = [sys.executable, "-m", "benchmarks.evaluation", "--batch", str(size), "--only", url, step]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, processor, memory = (float(one) for one in done.stdout.split())
    print(f"| {what} | {history:,} | {batch:,} | {seconds:.2f} s | {processor:.2f} s | {memory:.2f} GiB |", flush=True)


def measure(url: str, step: str, people: int) -> None:
    """Seconds, processor seconds and peak GiB of one evaluation; rounds after the first get a batch beforehand."""
    from recux.evaluation import evaluate_round
    from recux.report import build_report

    engine = build_engine(url)
    if step in {"2", "3"}:
        with write_session(engine) as session:
            grow(session, session.exec(select(Study)).one().id, int(step), people)
    began, busy = time.perf_counter(), time.process_time()
    if step == "report":
        with read_session(engine) as session:
            build_report(session, session.exec(select(Study)).one())
    else:
        with write_session(engine) as session:
            evaluate_round(session, session.exec(select(Round).where(Round.number == int(step))).one())
            session.flush()
    took = time.perf_counter() - began, time.process_time() - busy
    print(*took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def build(url: str, people: int) -> None:
    """A study with ``people`` in its first batch."""
    upgrade(url)
    engine = build_engine(url)
    with write_session(engine) as session:
        study = Study(slug="big", title="Big", salt="s", status="live", instruments=["nps", "csat"])
        session.add(study)
        session.flush()
        session.add_all(Arm(study_id=study.id, key=key, title=key) for key in ("a", "b"))
        session.flush()
        rows = [
            {"study_id": study.id, "external_id": f"i{n}", "title": f"Item {n}", "category": f"c{n % 20}", "tags": [],
             "attributes": {}}
            for n in range(CATALOGUE)
        ]  # fmt: skip
        insert(session, Item, rows)
        grow(session, study.id, 1, people)
    with engine.connect() as connection:
        connection.execute(sa.text("analyze"))
        connection.commit()
    engine.dispose()


def grow(session, study: int, number: int, people: int) -> None:
    """Another batch, of new people."""
    when = START + timedelta(days=10 * number)
    here = session.connection().execute(sa.select(sa.func.coalesce(sa.func.max(col(Participant.id)), 0))).scalar_one()
    crowd(session, study, int(here), people, when - timedelta(days=5))
    close(session, study, number, when)


def crowd(session, study: int, start: int, people: int, when: datetime) -> None:
    """People with a list, ratings, clicks, calls and two questionnaires each."""
    rng = np.random.default_rng([7, start])
    ids = np.arange(start + 1, start + people + 1)
    at = {"rated_at": when, "received_at": when}
    insert(session, Participant, [
        {"id": int(n), "study_id": study, "external_id": f"p{n}", "arm_id": 1 + int(n) % 2, "cohort": f"k{n % 3}",
         "interests": [], "attributes": {}, "test": False, "created_at": when}
        for n in ids
    ])  # fmt: skip
    insert(session, Slate, [
        {"id": int(n), "study_id": study, "participant_id": int(n), "arm_id": 1 + int(n) % 2, "external_id": f"s{n}",
         "source": "imported", "served_at": when}
        for n in ids
    ])  # fmt: skip
    for chunk in np.array_split(ids, max(1, len(ids) // 20_000)):
        places = [(int(n), place) for n in chunk for place in range(EACH)]
        items = rng.integers(1, CATALOGUE // EACH, len(places))
        insert(session, Impression, [
            {"slate_id": n, "item_id": int(item) + place * (CATALOGUE // EACH), "position": place + 1, "shown_at": when}
            for (n, place), item in zip(places, items, strict=True)
        ])  # fmt: skip
        stars = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], len(places), p=[0.05, 0.1, 0.2, 0.35, 0.3])
        insert(session, Rating, [
            {"study_id": study, "participant_id": n, "item_id": int(item) + place * (CATALOGUE // EACH), "slate_id": n,
             "row_key": f"{n}-{place}", "current": True, "rating": star, **at}
            for (n, place), item, star in zip(places, items, stars.tolist(), strict=True)
        ])  # fmt: skip
        clicks = [(n, place, int(item)) for (n, place), item, yes in
                  zip(places, items, rng.random(len(places)) < 0.1, strict=True) if yes]  # fmt: skip
        insert(session, Interaction, [
            {"study_id": study, "participant_id": n, "item_id": item + place * (CATALOGUE // EACH), "slate_id": n,
             "row_key": f"{n}-{place}", "kind": "click", "occurred_at": when}
            for n, place, item in clicks
        ])  # fmt: skip
        times = rng.lognormal(5, 0.7, len(places))
        insert(session, Request, [
            {"study_id": study, "arm_id": 1 + n % 2, "slate_id": n, "row_key": f"{n}-{place}", "requested_at": when,
             "duration_ms": float(ms), "outcome": "error" if ms > 1000 else "ok"}
            for (n, place), ms in zip(places, times, strict=True)
        ])  # fmt: skip
        for number, (name, high) in enumerate((("nps", 10), ("csat", 5))):
            answers = rng.integers(number, high + 1, len(chunk))
            insert(session, Response, [
                {"id": 2 * int(n) + number, "study_id": study, "participant_id": int(n), "instrument": name,
                 "version": "1", "wave": 1, "started_at": when, "completed_at": when + timedelta(seconds=40)}
                for n in chunk
            ])  # fmt: skip
            insert(session, Answer, [
                {"study_id": study, "response_id": 2 * int(n) + number, "question": "score", "current": True,
                 "value": float(value), "refused": False, "received_at": when}
                for n, value in zip(chunk, answers, strict=True)
            ])  # fmt: skip


def insert(session, table, rows: list[dict]) -> None:
    """Rows of a table, columns that they leave out with their defaults."""
    optional = {name: one for name, one in table.model_fields.items() if not one.is_required()}
    given = rows[0].keys() if rows else ()
    base = {
        n: one.get_default(call_default_factory=True) for n, one in optional.items() if n not in given and n != "id"
    }
    insert_many(session, table, [base | row for row in rows])


def close(session, study: int, number: int, when: datetime) -> None:
    """A batch of everything that is in none."""
    batch = Batch(study_id=study, number=number, closed_by="hand", closed_at=when, content_hash="-")
    session.add(batch)
    session.flush()
    session.add(Round(study_id=study, batch_id=batch.id, number=number))
    for kind, table in (("rating", Rating), ("answer", Answer)):
        members = sa.select(col(BatchRow.row_id)).where(col(BatchRow.kind) == kind)
        fresh = sa.select(sa.literal(kind), col(table.id), sa.literal(batch.id), sa.literal("-"))
        fresh = fresh.where(col(table.id).not_in(members))
        session.connection().execute(sa.insert(BatchRow).from_select(["kind", "row_id", "batch_id", "row_hash"], fresh))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
