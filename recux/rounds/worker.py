"""The worker: takes rounds from the queue, one at a time, and does what has to be done again and again.

Each stage is a durable step: killed at any moment, the next worker goes on at the stage that was cut off. With SQLite
there is one worker at a time, held by a lock file; with Postgres as many as wanted, on as many machines, each with a
lease that says it is alive.
"""

import fcntl
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import IO, Any
from uuid import uuid4

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer
from sqlmodel import Session

from db.engine import engine_for, is_sqlite, read_session, write_session
from db.tables import Round
from recux.errors import Conflict, RecuxError, Unavailable
from recux.operate.logs import configure
from recux.rounds.child import Cancelled
from recux.rounds.desk import AWAY, Desk, patiently, queues_of
from recux.rounds.leases import LOST, end_now, forget_the_dead, live_executors, take_lease
from recux.rounds.queue import GPU_QUEUE, QUEUE, VERSION, WORKFLOW
from recux.rounds.stages import STAGES, begin, finish
from recux.rounds.upkeep import upkeep
from recux.rounds.work import Overtaken, Work, held
from recux.settings import Settings

LOG = logging.getLogger("recux.worker")
LOOK_SECONDS = 2.0
"""Between two looks at who died; less with short leases."""
UPKEEP_SECONDS = 5.0
"""Between two looks at what is due."""
MAX_RECOVERIES = 25
GRACE_SECONDS = 8.0
"""On SIGTERM: for a stage to end that is no training. Below the 10 s that containers get by default."""
PATIENCE_SECONDS = 60.0
"""For whoever works on a round that was taken from them to notice."""
HUNG_SECONDS = 300
"""After which the server ends a transaction in which nothing happens."""
TERMINATED = (signal.SIGTERM, signal.SIGINT)


def main(settings: Settings | None = None, *, with_parent: bool = False) -> None:
    """Work until SIGTERM or SIGINT; with ``with_parent`` also until standard input ends, which the parent holds.

    Raises ``Conflict`` when, on SQLite, a worker already runs on this RECUX_HOME.
    """
    settings = settings or Settings()
    configure(settings)
    queues = queues_of(settings)
    sqlite = is_sqlite(engine_for(settings.url))
    if not sqlite:
        _end_hung_transactions(engine_for(settings.url))
    lock = _lock(settings) if sqlite else None
    executor_id = _fixed_id(settings) if sqlite else uuid4().hex
    desk = Desk(settings, take_lease(settings, executor_id, queues=queues, version=VERSION))
    desk.idle.set()
    for signum in TERMINATED:
        signal.signal(signum, lambda *_: desk.leaving.set())
    if with_parent:
        threading.Thread(target=_leave_with_parent, args=(desk,), name="parent-watch", daemon=True).start()
    launch(desk, queues)
    LOG.info("working on %s, queues %s", sa.make_url(settings.url).render_as_string(), ", ".join(queues))
    pause = min(LOOK_SECONDS, settings.lease_seconds / 4)
    threading.Thread(target=_look_after_things, args=(desk,), name="upkeep", daemon=True).start()
    while not desk.leaving.wait(pause):
        take_over(desk)
    hand_over(desk)
    if lock is not None:
        lock.close()
    os._exit(0)


def launch(desk: Desk, queues: list[str]) -> None:
    """Start taking rounds from the queues, in threads of this process."""
    settings = desk.settings
    engine_for(settings.url).connect().close()  # SQLite: the file is in WAL mode before the queue opens it
    DBOS(
        config={
            "name": "recux",
            "system_database_url": settings.url,
            "executor_id": desk.lease.executor_id,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 1.0,
        }
    )

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_RECOVERIES)
    def work_on(round_id: int) -> None:
        lease = desk.lease
        run_durably(desk, Work(settings, round_id, _quiet, lease.executor_id, lease.training_deadline, desk.leaving))

    DBOS.listen_queues(queues)
    DBOS.launch()
    for name in (QUEUE, GPU_QUEUE):
        DBOS.register_queue(name, worker_concurrency=1, polling_interval_sec=1.0)


def run_durably(desk: Desk, work: Work) -> None:
    """The stages as durable steps. A round that fails is stored as failed, with the reason, and is not retried.

    The queue's own reads and writes do not wait for a database that is away, and doing one of them again would count
    as another step. The process ends instead: started again, it goes on at the stage that was cut off.
    """
    try:
        _run(desk, work)
    except AWAY as error:
        end_now(f"the database went away between two stages ({error.orig})")


def _run(desk: Desk, work: Work) -> None:
    if patiently(lambda: _is_done(work)):
        return  # it ended just before a kill, or in the foreground meanwhile
    with held(work, patience=PATIENCE_SECONDS):
        try:
            for name, stage in STAGES:
                DBOS.run_step({"name": name}, partial(_step, desk, work, name, stage))
            patiently(lambda: finish(work))
        except Cancelled:
            patiently(lambda: finish(work, "cancelled"))
        except Overtaken as error:
            LOG.error("%s", error)  # noqa: TRY400 - its place says nothing
            os._exit(LOST)
        except AWAY:
            raise
        except Exception as error:
            LOG.exception("round %s failed", work.round_id)
            reason = str(error) if isinstance(error, RecuxError) else repr(error)
            patiently(lambda: finish(work, "failed", reason))


def take_over(desk: Desk) -> None:
    """Put the rounds of workers that died back into their queues. Several workers may do so at once."""
    if not desk.lease.binding:
        return  # on SQLite the next worker has the same id, and goes on with its own
    try:
        pending = DBOS.list_workflows(status="PENDING", app_version=VERSION, load_input=False, load_output=False)
        with write_session(engine_for(desk.settings.url)) as session:  # leases are read after what they are to explain
            forget_the_dead(session)
            dead = {one.executor_id for one in pending if one.executor_id} - live_executors(session)
        if dead:
            LOG.warning("taking over from %s", ", ".join(sorted(dead)))
            DBOS._recover_pending_workflows(sorted(dead))
    except sa.exc.OperationalError as error:
        LOG.warning("the database is away (%s); looking again", error.orig)


def hand_over(desk: Desk) -> None:
    """End what is short, leave what is long to another worker, and give the lease back."""
    if not desk.idle.wait(GRACE_SECONDS):
        LOG.warning("the stage at work takes too long to wait for; another worker does it again")
    try:
        desk.lease.close()
    except sa.exc.SQLAlchemyError as error:
        LOG.warning("the lease could not be given back (%s); it runs out by itself", error)


def _step(desk: Desk, work: Work, name: str, stage: Callable[[Work], None]) -> None:
    def act() -> None:
        begin(work, name)
        stage(work)

    with desk.at_work():
        try:
            patiently(act)
        except AWAY as error:
            raise Unavailable(f"the database could not be used for minutes: {error.orig}") from error


def _is_done(work: Work) -> bool:
    with read_session(work.engine) as session:
        return _status(session, work.round_id) == "done"


def _status(session: Session, round_id: int) -> str:
    return session.get_one(Round, round_id).status


def _quiet(_stage: str, _progress: object) -> None:
    """Nobody watches a worker; its progress is in the database."""


def _look_after_things(desk: Desk) -> None:
    """In a thread of its own: an alert that is slow to send must delay neither a takeover nor the end."""
    while not desk.leaving.wait(UPKEEP_SECONDS):
        upkeep(desk.settings)


def _leave_with_parent(desk: Desk) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    LOG.warning("the process that started this worker has ended")
    desk.leaving.set()


def _end_hung_transactions(engine: sa.Engine) -> None:
    """Let the server end transactions of ours that have stood still for minutes, so that their locks block nobody."""

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {HUNG_SECONDS * 1000}")
        connection.commit()


def _fixed_id(settings: Settings) -> str:
    """On SQLite the worker after this one goes on with its rounds at once, because it has the same id."""
    return f"{socket.gethostname()}:{settings.home.resolve()}"[-64:]


def _lock(settings: Settings) -> IO[str]:
    handle = (settings.folder("locks") / "worker").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.seek(0)
        raise Conflict(
            f"a worker (process {handle.read().strip() or 'unknown'}) already runs on {settings.home.resolve()}; "
            "stop it first, or give this one its own RECUX_HOME"
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


if __name__ == "__main__":
    try:
        main(with_parent="--with-parent" in sys.argv[1:])
    except RecuxError as error:
        sys.exit(f"recux worker: {error}")
