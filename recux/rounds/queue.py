"""Handing rounds to the worker. The queue lives in the same database, so that closing and enqueueing are one act."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from sqlmodel import Session, col, select

from db.engine import engine_for, write_session
from db.tables import Round, Study
from recux.access import audit
from recux.rounds.batches import Reason, close_batch, due
from recux.rounds.leases import live_executors, live_workers
from recux.settings import Settings

QUEUE, GPU_QUEUE = "rounds", "gpu"
WORKFLOW = "round"
VERSION = "2"
"""Version of the workflow's shape. Workers take only rounds of their own version, so that two versions of the code
never mix within a round. Raise it when the stages change their names, their order or what they leave to the next; a
round that was begun under a version that no worker has any more starts over."""


def queue_of(config: dict[str, Any]) -> str:
    """Where a round waits: for a worker with a GPU when it asks for a cuda device, else for any."""
    return GPU_QUEUE if str(config.get("device") or "").startswith("cuda") else QUEUE


def worker_is_missing(session: Session, round_: Round | None) -> bool:
    """Whether nobody is alive who could take this round, or go on with it; with None, who could take any round."""
    if round_ is not None and round_.status == "running":
        return not live_executors(session)  # it may be a process that runs this round alone
    queue = queue_of(round_.config) if round_ is not None else None
    return not any(queue is None or queue in worker.queues for worker in live_workers(session))


@lru_cache(maxsize=4)
def client(url: str) -> DBOSClient:
    """The process's connection to the queue; its tables are created when absent.

    What is queued is stored as JSON, so that reading the queue can never run code.
    """
    DBOS.migrate(url)
    return DBOSClient(system_database_url=url, serializer=DBOSPortableJSONSerializer())


def close_and_enqueue(settings: Settings, study_id: int, *, actor: str) -> Round | None:
    """Close the open batch and hand its round to the worker, both or neither; None when there is nothing new.

    Raises NotAllowed when ``actor`` may not.
    """
    queue = client(settings.url)
    with write_session(engine_for(settings.url)) as session:
        study = session.get_one(Study, study_id)
        round_ = _close(queue, session, study, "hand")
        if round_ is not None:
            audit.record(session, actor=actor, action="batch.close", target=study.slug, round=round_.number)
        return round_


def close_if_due(settings: Settings, study_id: int) -> Round | None:
    """Close the open batch if it is full or old and the study's last round is over; None otherwise.

    Asked under the study's lock, so that of two workers that ask at once only one finds it due.
    """
    queue = client(settings.url)
    with write_session(engine_for(settings.url)) as session:
        study = session.get_one(Study, study_id, with_for_update=True)
        at_work = (Round.study_id == study_id, col(Round.status).in_(("queued", "running")))
        if study.status != "live" or session.exec(select(Round.id).where(*at_work)).first() is not None:
            return None
        reason = due(session, study)
        return None if reason is None else _close(queue, session, study, reason)


def retry(settings: Settings, round_id: int, *, actor: str) -> None:
    """Hand a round that failed to the worker again. Raises NotAllowed when ``actor`` may not."""
    queue = client(settings.url)
    with write_session(engine_for(settings.url)) as session:
        round_ = session.get_one(Round, round_id, with_for_update=True)
        if round_.status != "failed":
            return  # somebody else was quicker
        round_.status, round_.message, round_.stage, round_.executor_id = "queued", None, None, None
        round_.finished_at = None
        _enqueue(queue, session, round_)
        _note(session, actor, "round.retry", round_)


def cancel(settings: Settings, round_id: int, *, actor: str) -> None:
    """Ask a round to stop: its training ends within seconds, and what it had written as a round stays unpublished.

    Raises NotAllowed when ``actor`` may not.
    """
    with write_session(engine_for(settings.url)) as session:
        round_ = session.get_one(Round, round_id, with_for_update=True)
        if round_.status in {"queued", "running"}:
            round_.status, round_.message = "cancelled", "cancelled by hand"
            session.add(round_)
            _note(session, actor, "round.cancel", round_)


def restart_orphans(settings: Settings) -> list[int]:
    """Start over the rounds that wait for, or were cut off in, a version that no live worker has; returns their ids."""
    queue = client(settings.url)
    waiting = queue.list_workflows(status=["ENQUEUED", "PENDING"], load_input=False, load_output=False)
    others = [workflow for workflow in waiting if workflow.app_version != VERSION]
    if not others:
        return []
    restarted = []
    with write_session(engine_for(settings.url)) as session:
        spoken_for = {lease.version for lease in live_workers(session)}
        orphans = [workflow for workflow in others if workflow.app_version not in spoken_for]
        for workflow in orphans:
            round_ = session.get(Round, int(workflow.workflow_id.split(":")[1]), with_for_update=True)
            if round_ is not None and round_.status in {"queued", "running"} and round_.id not in restarted:
                round_.status, round_.stage, round_.executor_id = "queued", None, None
                _enqueue(queue, session, round_)
                restarted.append(int(workflow.workflow_id.split(":")[1]))
    for workflow in orphans:  # not before the new one is there: a kill in between would lose the round
        queue.cancel_workflow(workflow.workflow_id)
    return restarted


def forget_finished(settings: Settings, *, days: float) -> int:
    """Delete what the queue still knows of workflows that ended more than ``days`` ago; returns how many."""
    queue = client(settings.url)
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    over = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
    found = queue.list_workflows(status=over, completed_before=before, limit=500, load_input=False, load_output=False)
    ids = [workflow.workflow_id for workflow in found]
    if ids:
        queue.delete_workflows(ids, delete_children=True)
    return len(ids)


def _note(session: Session, actor: str, action: str, round_: Round) -> None:
    study = session.get_one(Study, round_.study_id)
    audit.record(session, actor=actor, action=action, target=study.slug, round=round_.number)


def _close(queue: DBOSClient, session: Session, study: Study, reason: Reason) -> Round | None:
    round_ = close_batch(session, study, closed_by=reason)
    if round_ is not None:
        _enqueue(queue, session, round_)
    return round_


def _enqueue(queue: DBOSClient, session: Session, round_: Round) -> None:
    attempt = int(round_.config.get("attempt", 0)) + 1
    round_.config = {**round_.config, "attempt": attempt}
    session.add(round_)
    session.flush()
    workflow_id = f"round:{round_.id}:{attempt}"
    queue.enqueue_in_transaction(
        session,
        {
            "queue_name": queue_of(round_.config),
            "workflow_name": WORKFLOW,
            "workflow_id": workflow_id,
            "app_version": VERSION,
        },
        round_.id,
    )
