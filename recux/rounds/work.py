"""One round being worked on, by one process at a time."""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlmodel import Session, select

from db.engine import engine_for, is_sqlite, write_session
from db.tables import Round
from recux.errors import Conflict, RecuxError
from recux.rounds.leases import live_executors
from recux.settings import Settings

Show = Callable[[str, dict[str, Any]], None]
"""Called with a stage's name and, while it trains, its progress."""

WORDS = ("examples.jsonl", "people.json", "closer.json", "comments.json")


def words_in(folder: Path) -> list[Path]:
    """Files of a round that quote or name people. They go when it is over: what is kept can be erased with its rows,
    and a round that starts again writes them anew.
    """
    return [folder / name for name in WORDS if (folder / name).is_file()]


class Overtaken(RecuxError):
    """Another process works on the round now; nothing of this one's may be kept."""


@dataclass(frozen=True)
class Work:
    """A round, and who works on it."""

    settings: Settings
    round_id: int
    show: Show = lambda _stage, _progress: None
    executor_id: str = field(default_factory=lambda: uuid4().hex)
    deadline: Callable[[], float | None] = lambda: None
    """Until when training may go on without hearing from this process (see ``recux.rounds.leases.Lease``)."""
    leaving: threading.Event = field(default_factory=threading.Event)
    """Set when this process is about to end and the round should be left for another."""

    @property
    def engine(self) -> sa.Engine:
        """The process's engine."""
        return engine_for(self.settings.url)

    @property
    def folder(self) -> Path:
        """The round's own folder: its job, its checkpoints, its models."""
        path = self.settings.folder("rounds") / str(self.round_id)
        path.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def held(work: Work, *, patience: float = 0.0) -> Iterator[None]:
    """Work on the round alone. Raises ``Conflict`` when another process still does after ``patience`` seconds.

    On SQLite a lock file tells, which the system frees when this process dies; on Postgres, where processes may be on
    several machines, the round's row and the leases do.
    """
    if is_sqlite(work.engine):
        with (work.folder / "lock").open("w") as handle:
            _until_true(lambda: _locked(handle.fileno()), work, patience)
            _claimed(work, sparing_the_living=False)
            yield
    else:
        _until_true(lambda: _claimed(work, sparing_the_living=True), work, patience)
        yield


@contextmanager
def publishing(work: Work) -> Iterator[Session]:
    """A transaction that is kept only if the round is still this process's. Raises ``Overtaken`` when it is not.

    The row is locked at the end and for moments only, so that nobody who changes the round waits for a long stage; the
    locks are such that rows which refer to the round, written by a process that hangs, are in nobody's way.
    """
    with write_session(work.engine) as session:
        yield session
        session.flush()
        owner = session.exec(
            select(Round.executor_id).where(Round.id == work.round_id).with_for_update(key_share=True)
        ).one()
        if owner != work.executor_id:
            raise Overtaken(f"round {work.round_id} was taken over by another process; nothing of this one is kept")


def _claimed(work: Work, *, sparing_the_living: bool) -> bool:
    """Whether the round is ours now: nobody was at work on it, or someone who is not alive."""
    with write_session(work.engine) as session:
        round_ = session.exec(select(Round).where(Round.id == work.round_id).with_for_update(key_share=True)).one()
        another_one = round_.status == "running" and round_.executor_id != work.executor_id
        if sparing_the_living and another_one and round_.executor_id in live_executors(session):
            return False
        round_.executor_id = work.executor_id
        session.add(round_)
    return True


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _until_true(attempt: Callable[[], bool], work: Work, patience: float) -> None:
    end = time.monotonic() + patience
    while not attempt():
        if time.monotonic() > end:
            raise Conflict(f"round {work.round_id} is being worked on by another process; wait for it")
        time.sleep(0.5)
