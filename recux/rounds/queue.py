"""Handing rounds to the worker. The queue lives in the same database, so that closing and enqueueing are one act."""

from functools import lru_cache

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from sqlmodel import Session, col

from db.engine import engine_for, write_session
from db.tables import Round, Study
from recux.rounds.batches import Reason, close_batch
from recux.settings import Settings

QUEUE = "rounds"
WORKFLOW = "round"
VERSION = "1"
"""Version of the workflow's shape; raised when a round begun by older code could not go on in newer code."""


@lru_cache(maxsize=4)
def client(url: str) -> DBOSClient:
    """The process's connection to the queue; its tables are created when absent.

    What is queued is stored as JSON, so that reading the queue can never run code.
    """
    DBOS.migrate(url)
    return DBOSClient(system_database_url=url, serializer=DBOSPortableJSONSerializer())


def close_and_enqueue(settings: Settings, study_id: int, *, closed_by: Reason = "hand") -> Round | None:
    """Close the open batch and hand its round to the worker, both or neither; None when there is nothing new."""
    queue = client(settings.url)
    with write_session(engine_for(settings.url)) as session:
        round_ = close_batch(session, session.get_one(Study, study_id), closed_by=closed_by)
        if round_ is not None:
            _enqueue(queue, session, round_)
        return round_


def enqueue(settings: Settings, round_id: int) -> None:
    """Hand a round that was closed without a worker (or failed) to the worker."""
    queue = client(settings.url)
    with write_session(engine_for(settings.url)) as session:
        round_ = session.get_one(Round, round_id)
        round_.status, round_.message, round_.stage = "queued", None, None
        session.add(round_)
        _enqueue(queue, session, round_)


def cancel(settings: Settings, round_id: int) -> None:
    """Ask a round to stop: its training ends within seconds, and what it had written as a round stays unpublished."""
    with write_session(engine_for(settings.url)) as session:
        unfinished = col(Round.status).in_(("queued", "running"))
        changed = sa.update(Round).where(col(Round.id) == round_id, unfinished)
        session.connection().execute(changed.values(status="cancelled", message="cancelled by hand"))


def _enqueue(queue: DBOSClient, session: Session, round_: Round) -> None:
    attempt = int(round_.config.get("attempt", 0)) + 1
    round_.config = {**round_.config, "attempt": attempt}
    session.add(round_)
    session.flush()
    workflow_id = f"round:{round_.id}:{attempt}"
    queue.enqueue_in_transaction(
        session,
        {"queue_name": QUEUE, "workflow_name": WORKFLOW, "workflow_id": workflow_id, "app_version": VERSION},
        round_.id,
    )
