"""Running a round in this process, to its end: what `recux round run` does."""

from contextlib import closing
from typing import Any
from uuid import uuid4

from sqlmodel import col, select

from db.engine import engine_for, read_session, write_session
from db.tables import Round, Study
from recux.access.audit import COMMAND_LINE, record
from recux.errors import Conflict, RecuxError
from recux.rounds.batches import close_batch
from recux.rounds.child import Cancelled
from recux.rounds.leases import take_lease
from recux.rounds.queue import VERSION
from recux.rounds.stages import STAGES, begin, finish
from recux.rounds.work import Overtaken, Show, Work, held
from recux.settings import Settings


def run_study(settings: Settings, study_id: int, *, config: dict[str, Any], show: Show) -> Round:
    """Close the open batch of a study and run its round here; a round that was cut off is finished first.

    ``config`` may hold ``base_model``, ``device``, ``seed`` and ``settings`` (of the recipe).
    Raises ``Conflict`` when there is nothing new, ``InvalidInput`` for a device that is not here.
    """
    if config.get("device"):
        from recux.learn.device import resolve_device

        resolve_device(config["device"])  # before the batch is closed
    with write_session(engine_for(settings.url)) as session:
        unfinished = session.exec(
            select(Round)
            .where(Round.study_id == study_id, col(Round.status).in_(("running", "failed")))
            .order_by(col(Round.number))
        ).first()
        if unfinished is not None:
            unfinished.config = {**unfinished.config, **config}
            session.add(unfinished)
        study = session.get_one(Study, study_id)
        round_ = unfinished or close_batch(session, study, config=config)
        if round_ is not None:
            record(session, actor=COMMAND_LINE, action="round.run", target=study.slug, round=round_.number)
    if round_ is None:
        raise Conflict(
            f"study {study.slug!r} has no ratings or answers since its last batch; collect or import some first"
        )
    assert round_.id is not None  # it was flushed
    return run_round(settings, round_.id, show=show)


def run_round(settings: Settings, round_id: int, *, show: Show = lambda _stage, _progress: None) -> Round:
    """Run one round's stages in this process. Raises what stopped it, after storing why in the round's row."""
    lease = take_lease(settings, uuid4().hex, queues=[], version=VERSION)
    work = Work(settings, round_id, show, lease.executor_id, lease.training_deadline)
    with closing(lease), held(work):
        try:
            for name, stage in STAGES:
                begin(work, name)
                stage(work)
        except Cancelled:
            finish(work, "cancelled")
            raise
        except Overtaken:
            raise
        except BaseException as error:
            finish(work, "failed", str(error) if isinstance(error, RecuxError) else repr(error))
            raise
        finish(work)
    with read_session(work.engine) as session:
        return session.get_one(Round, round_id)
