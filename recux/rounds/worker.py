"""The worker: takes rounds from the queue, one at a time, and closes batches that are due.

Each stage is a durable step: killed at any moment, the next worker goes on at the stage that was cut off. One worker
at a time per RECUX_HOME, held by a lock file; a second one is refused.
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
from typing import IO

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer
from sqlmodel import Session, col, select

from db.engine import engine_for, read_session
from db.tables import Round, Study
from recux.errors import Conflict, RecuxError
from recux.rounds.batches import due
from recux.rounds.child import Cancelled
from recux.rounds.foreground import only_here
from recux.rounds.queue import QUEUE, VERSION, WORKFLOW, close_and_enqueue
from recux.rounds.stages import STAGES, Work, begin, finish
from recux.settings import Settings

LOG = logging.getLogger("recux.worker")
DUE_SECONDS = 15.0
MAX_RECOVERIES = 25


def main(settings: Settings | None = None) -> None:
    """Work until SIGTERM or SIGINT. Raises ``Conflict`` when a worker already runs on this RECUX_HOME."""
    settings = settings or Settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    lock = _lock(settings)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    launch(settings)
    LOG.info("working on %s", sa.make_url(settings.url).render_as_string())
    while not stop.wait(DUE_SECONDS):
        close_due(settings)
    lock.close()
    os._exit(0)  # a running training notices the end of its input; its round goes on with the next worker


def launch(settings: Settings) -> None:
    """Start taking rounds from the queue, in threads of this process."""
    engine_for(settings.url).connect().close()  # SQLite: the file is in WAL mode before the queue opens it
    DBOS(
        config={
            "name": "recux",
            "system_database_url": settings.url,
            "executor_id": f"{socket.gethostname()}:{settings.home.resolve()}",
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 1.0,
        }
    )

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_RECOVERIES)
    def work_on(round_id: int) -> None:
        run_durably(Work(settings, round_id))

    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=1.0)


def run_durably(work: Work) -> None:
    """The stages as durable steps. A round that fails is stored as failed, with the reason, and is not retried."""
    with only_here(work):
        try:
            for name, stage in STAGES:
                DBOS.run_step({"name": name}, partial(_step, work, name, stage))
            finish(work)
        except Cancelled:
            finish(work, "cancelled")
        except Exception as error:
            LOG.exception("round %s failed", work.round_id)
            finish(work, "failed", str(error) if isinstance(error, RecuxError) else repr(error))


def close_due(settings: Settings) -> None:
    """Close the batches of live studies that are full or old, unless the study's last round is still at work."""
    try:
        with read_session(engine_for(settings.url)) as session:
            studies = session.exec(select(Study).where(Study.status == "live")).all()
            reasons = {study.id: due(session, study) for study in studies if not _busy(session, study)}
        for study_id, reason in reasons.items():
            if reason is not None and study_id is not None:
                close_and_enqueue(settings, study_id, closed_by=reason)
    except sa.exc.OperationalError as error:
        LOG.warning("the database is away (%s); looking again in %.0f s", error.orig, DUE_SECONDS)


def _step(work: Work, name: str, stage: Callable[[Work], None]) -> None:
    begin(work, name)
    stage(work)


def _busy(session: Session, study: Study) -> bool:
    at_work = (Round.study_id == study.id, col(Round.status).in_(("queued", "running")))
    return session.exec(select(Round).where(*at_work)).first() is not None


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
        main()
    except RecuxError as error:
        sys.exit(f"recux worker: {error}")
