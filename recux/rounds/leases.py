"""Leases: how workers on several machines know which of them are alive.

Each worker has a row that it prolongs all the time. A worker that cannot, because it hangs, was cut off or lost the
database, ends itself before its lease runs out; so whoever finds no live lease may take its rounds over at once.
"""

import logging
import os
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import build_engine, is_sqlite, write_session
from db.tables import Tick, WorkerLease, now
from recux.settings import Settings

LOG = logging.getLogger("recux.worker")
RENEWALS = 5
"""Renewals in the time of one lease."""
MARGIN = 0.1
"""Share of a lease before whose end the process has ended itself; training ends a little earlier still."""
LOST = 75
"""Exit code of a worker that lost its lease; whoever supervises it starts it again."""


@dataclass
class Lease:
    """This process's own lease, kept alive by two threads."""

    engine: sa.Engine
    executor_id: str
    seconds: float
    queues: list[str]
    version: str
    binding: bool
    """Whether losing it ends the process. On SQLite a lock file says who works, and the row only shows it."""
    deadline: float = 0.0
    """Moment on :func:`clock` at which the lease runs out."""
    released: threading.Event = field(default_factory=threading.Event)

    def training_deadline(self) -> float | None:
        """Until when a training process may go on without hearing from us again, on :func:`clock`."""
        return self.deadline - 2 * MARGIN * self.seconds if self.binding else None

    def renew(self) -> None:
        """Prolong the row. Ends the process when the lease is lost."""
        began = clock()
        with write_session(self.engine) as session:
            at = database_now(session)
            mine = (col(WorkerLease.executor_id) == self.executor_id, col(WorkerLease.expires_at) > at)
            prolonged = sa.update(WorkerLease).where(*mine).values(expires_at=at + timedelta(seconds=self.seconds))
            kept = session.connection().execute(prolonged).rowcount == 1
        if kept:
            self.deadline = began + self.seconds
        elif self.binding:
            end_now("the lease was lost")
        else:
            self.insert()

    def insert(self) -> None:
        """Write the row."""
        began = clock()
        with write_session(self.engine) as session:
            session.merge(
                WorkerLease(
                    executor_id=self.executor_id,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    queues=self.queues,
                    version=self.version,
                    started_at=now(),
                    expires_at=database_now(session) + timedelta(seconds=self.seconds),
                )
            )
        self.deadline = began + self.seconds

    def close(self) -> None:
        """Give the lease back, so that others take over without waiting for its end."""
        self.released.set()
        with write_session(self.engine) as session:
            session.connection().execute(sa.delete(WorkerLease).where(col(WorkerLease.executor_id) == self.executor_id))
        self.engine.dispose()


def take_lease(settings: Settings, executor_id: str, *, queues: list[str], version: str) -> Lease:
    """A lease of this process, prolonged in the background until it is released."""
    sqlite = settings.url.startswith("sqlite")
    impatient: dict[str, Any] = (
        {} if sqlite else {"connect_args": {"connect_timeout": 3, "options": "-c statement_timeout=3000"}}
    )
    engine = build_engine(settings.url, **impatient)
    lease = Lease(engine, executor_id, settings.lease_seconds, queues, version, binding=not sqlite)
    lease.insert()
    threading.Thread(target=_keep, args=(lease,), name="lease-keeper", daemon=True).start()
    if lease.binding:
        threading.Thread(target=_watch, args=(lease,), name="lease-watchdog", daemon=True).start()
    return lease


def live_executors(session: Session) -> set[str]:
    """Whose lease has not run out."""
    return set(session.exec(select(WorkerLease.executor_id).where(WorkerLease.expires_at > database_now(session))))


def live_workers(session: Session) -> list[WorkerLease]:
    """The workers that are alive, oldest first; processes that run a single round in the foreground are none."""
    alive = select(WorkerLease).where(WorkerLease.expires_at > database_now(session))
    return [lease for lease in session.exec(alive.order_by(col(WorkerLease.started_at))) if lease.queues]


def forget_the_dead(session: Session) -> None:
    """Delete leases that have run out."""
    session.connection().execute(sa.delete(WorkerLease).where(col(WorkerLease.expires_at) <= database_now(session)))


def take_turn(session: Session, name: str, *, every: float) -> bool:
    """Whether the caller is to do the task ``name`` now; of several that ask within ``every`` seconds one is."""
    at = database_now(session)
    due = sa.update(Tick).where(col(Tick.name) == name, col(Tick.at) <= at - timedelta(seconds=every))
    if session.connection().execute(due.values(at=at)).rowcount == 1:
        return True
    if session.get(Tick, name) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(Tick(name=name, at=at))
    except sa.exc.IntegrityError:  # another one was first
        return False
    return True


def database_now(session: Session) -> datetime:
    """The present moment by the database's clock, which all machines share."""
    if is_sqlite(session.get_bind()):
        return now()
    moment: datetime = session.connection().execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment


def clock() -> float:
    """Seconds that never jump, and that go on while the machine sleeps where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def end_now(why: str) -> None:
    """End the process this moment; nothing that it might still do is wanted."""
    LOG.error("%s; ending, so that nothing is done twice", why)
    os._exit(LOST)


def _keep(lease: Lease) -> None:
    while not lease.released.wait(lease.seconds / RENEWALS):
        try:
            lease.renew()
        except sa.exc.SQLAlchemyError as error:
            LOG.warning("the lease could not be renewed: %s", getattr(error, "orig", error))


def _watch(lease: Lease) -> None:
    while not lease.released.wait(min(0.25, lease.seconds / 20)):
        if clock() > lease.deadline - MARGIN * lease.seconds:
            end_now(f"the database has not answered for {lease.seconds:.0f} s")
