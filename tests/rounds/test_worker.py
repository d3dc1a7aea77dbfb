"""Kill the worker whenever you like: the round is finished once."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import engine_for, read_session, write_session
from db.tables import Audit, Round
from recux.rounds.leases import LOST, live_workers
from recux.rounds.queue import cancel, close_and_enqueue, retry
from recux.rounds.stages import STAGES
from recux.settings import Settings
from tests.planting import plant_person, plant_rating, plant_study

WORKER = Path(__file__).parent / "counting_worker.py"
LEASE = 5.0
"""Seconds: long enough for a busy machine, which must not make a worker believe that it was cut off."""
NAMES = [name for name, _ in STAGES]


def plant_round(settings):
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session)
        plant_rating(session, plant_person(session, study, "ann"), 1, 4)
    return study


@pytest.fixture
def study(settings):
    return plant_round(settings)


@pytest.fixture
def start_on(tmp_path):
    """Starts workers as processes of their own; those that still run at the end are killed."""
    processes = []

    def run(settings, *version):
        environment = os.environ | {
            "RECUX_HOME": str(settings.home),
            "RECUX_DATABASE_URL": settings.database_url,
            "RECUX_LEASE_SECONDS": str(LEASE),
            "PYTHONPATH": str(Path.cwd()),
        }
        command = [sys.executable, str(WORKER), str(tmp_path / "ledger"), *version]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def start(settings, start_on):
    """The same, on this test's database."""
    return lambda: start_on(settings)


def status(settings):
    with read_session(engine_for(settings.url)) as session:
        return session.exec(select(Round)).one().status


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def ledger(tmp_path):
    file = tmp_path / "ledger"
    return [tuple(line.split()) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_round_survives_kills_at_random_moments_and_no_finished_stage_runs_again(settings, study, start, tmp_path):
    close_and_enqueue(settings, study.id, actor="test")
    generator = random.Random(4)
    kills = 2
    for _ in range(kills):
        process = start()
        seen = len(ledger(tmp_path))
        wait_for(lambda seen=seen: len(ledger(tmp_path)) > seen)
        time.sleep(generator.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
    start()
    wait_for(lambda: status(settings) == "done")
    ends = [name for name, what in ledger(tmp_path) if what == "end"]
    assert list(dict.fromkeys(ends)) == NAMES
    assert len(ends) <= len(NAMES) + kills  # a kill between a stage's end and its record repeats that stage, none else


def test_closing_and_queueing_are_one_act(settings, study):
    from recux.rounds import queue

    original = queue._enqueue
    queue._enqueue = lambda *_: 1 / 0
    try:
        with pytest.raises(ZeroDivisionError):
            close_and_enqueue(settings, study.id, actor="test")
    finally:
        queue._enqueue = original
    with read_session(engine_for(settings.url)) as session:
        assert session.exec(select(Round)).all() == []


def test_a_cancelled_round_stops_at_the_next_stage(settings, study, start, tmp_path):
    round_ = close_and_enqueue(settings, study.id, actor="test")
    start()
    wait_for(lambda: ("prepare", "begin") in ledger(tmp_path))
    cancel(settings, round_.id, actor="test")
    wait_for(lambda: ("prepare", "end") in ledger(tmp_path))
    time.sleep(1.0)
    assert status(settings) == "cancelled"
    assert "suggest" not in {name for name, _ in ledger(tmp_path)}


def test_a_round_that_failed_is_run_again_when_somebody_asks_for_it(settings, study, start, tmp_path):
    round_ = close_and_enqueue(settings, study.id, actor="test")
    start()
    wait_for(lambda: status(settings) == "done")
    retry(settings, round_.id, actor="test")
    assert status(settings) == "done"  # nothing to try again
    with write_session(engine_for(settings.url)) as session:
        session.connection().execute(sa.update(Round).values(status="failed", message="the disk is full"))
    retry(settings, round_.id, actor="test")
    wait_for(lambda: status(settings) == "done")
    assert [name for name, what in ledger(tmp_path) if what == "end"] == NAMES * 2
    with read_session(engine_for(settings.url)) as session:
        assert session.exec(select(Round)).one().message is None
        assert session.exec(select(Audit.action).order_by(Audit.id)).all() == ["batch.close", "round.retry"]


def test_a_second_worker_on_the_same_home_is_refused_on_sqlite(sqlite_settings, tmp_path):
    environment = os.environ | {"RECUX_HOME": str(sqlite_settings.home), "RECUX_DATABASE_URL": sqlite_settings.url}
    with (sqlite_settings.folder("locks") / "worker").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "recux.rounds.worker"]
        second = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "already runs on" in second.stderr.decode()


def test_another_worker_takes_over_from_one_that_died_without_doing_anything_twice(postgres_url, tmp_path, start_on):
    settings = Settings(home=tmp_path / "home", database_url=postgres_url, _env_file=None)
    plant_round(settings)
    close_and_enqueue(settings, 1, actor="test")
    first = start_on(settings)
    wait_for(lambda: ("evaluate", "begin") in ledger(tmp_path), 60)
    first.send_signal(signal.SIGSTOP)  # hangs, and does not know it
    second = start_on(settings)
    wait_for(lambda: status(settings) == "done", 60)
    first.send_signal(signal.SIGCONT)
    assert first.wait(10) == LOST
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    lines = ledger(tmp_path)
    assert [name for name, what in lines if what == "begin"] == [*NAMES[:4], *NAMES[3:]]
    with read_session(engine_for(settings.url)) as session:
        assert live_workers(session) == []


def test_a_worker_of_another_version_leaves_a_running_round_alone_and_starts_it_over_when_its_worker_is_gone(
    postgres_url, tmp_path, start_on
):
    settings = Settings(home=tmp_path / "home", database_url=postgres_url, _env_file=None)
    plant_round(settings)
    close_and_enqueue(settings, 1, actor="test")
    newer = start_on(settings, "newer")
    older = start_on(settings)
    wait_for(lambda: ("record", "end") in ledger(tmp_path), 60)
    older.kill()
    wait_for(lambda: status(settings) == "done", 60)
    newer.send_signal(signal.SIGTERM)
    assert newer.wait(20) == 0
    begun = [name for name, what in ledger(tmp_path) if what == "begin"]
    assert begun[-len(NAMES) :] == NAMES  # the newer one did all of it
    assert begun[: -len(NAMES)] in (NAMES[:3], NAMES[:4])  # and nothing before
