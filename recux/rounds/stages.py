"""The stages of a round, in order. Each may be killed at any moment and run again with the same outcome.

Files are written to the round's own folder and rows in one transaction that replaces what the round wrote before, so
that "again" and "once" cannot be told apart.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from db.engine import read_session, write_session
from db.tables import Round, now
from recux.rounds.child import Cancelled, Leaving, TrainingFailed, train_in_child
from recux.rounds.job import prepare_job, record_models
from recux.rounds.looks import record_looks
from recux.rounds.reranking import prepare_slates
from recux.rounds.work import Work, publishing, words_in


def prepare(work: Work) -> None:
    """Write the round's examples and its recipe into its folder."""
    with read_session(work.engine) as session:
        round_ = session.get_one(Round, work.round_id)
        prepare_job(session, round_, work.folder, work.settings.home.resolve())


def train(work: Work) -> None:
    """Fine-tune, test on held-out people, and compare with the baselines; in a process of its own.

    Too few examples are no failure: the round goes on without models and says so.
    """

    def report(progress: dict[str, Any]) -> None:
        work.show("train", progress)
        ours = (col(Round.id) == work.round_id, col(Round.executor_id) == work.executor_id)
        statement = sa.update(Round).where(*ours).values(progress=progress)
        with suppress(sa.exc.OperationalError), write_session(work.engine) as session:  # training outlives an outage
            session.connection().execute(statement)

    try:
        train_in_child(work.folder, report=report, should_stop=lambda: _must_stop(work), deadline=work.deadline)
    except TrainingFailed as problem:
        if problem.kind != "TooFewExamples":
            raise
        with publishing(work) as session:
            round_ = session.get_one(Round, work.round_id)
            round_.message = str(problem)
            session.add(round_)


def record(work: Work) -> None:
    """Store the models with their figures, promote those that earned it, and store what comments are about."""
    with publishing(work) as session:
        round_ = session.get_one(Round, work.round_id)
        if (work.folder / "result.json").is_file():
            record_models(session, round_, work.folder, work.settings.home.resolve())
        record_looks(session, round_, work.folder)


def evaluate(work: Work) -> None:
    """Compute the round's figures from the rows.

    Reading and computing come first, writing afterwards and briefly: on SQLite everybody's clicks wait for whoever
    writes. When somebody was erased in between, what was computed does not fit any more and is computed once more.
    """
    from recux.evaluation import evaluate_round
    from recux.evaluation.later import gather_writes

    with suppress(sa.exc.IntegrityError):
        with read_session(work.engine) as reading:
            writes = gather_writes(reading)
            evaluate_round(reading, reading.get_one(Round, work.round_id))
        with publishing(work) as session:
            for write in writes:
                write(session)
        return
    with publishing(work) as session:
        evaluate_round(session, session.get_one(Round, work.round_id))


def suggest(work: Work) -> None:
    """Judge what earlier rounds predicted, then propose what to change next. The evidence is read beforehand, as
    :func:`evaluate` does.
    """
    from recux.suggest import drafts_of, judge, propose

    with read_session(work.engine) as reading:
        drafts = drafts_of(reading, reading.get_one(Round, work.round_id))
    with publishing(work) as session:
        round_ = session.get_one(Round, work.round_id)
        judge(session, round_)
        propose(session, round_, drafts)


def rerank(work: Work) -> None:
    """Prepare the next slates of the arms that are ranked by the fine-tuned model."""
    prepare_slates(work)


STAGES: tuple[tuple[str, Callable[[Work], None]], ...] = (
    ("prepare", prepare),
    ("train", train),
    ("record", record),
    ("evaluate", evaluate),
    ("suggest", suggest),
    ("rerank", rerank),
)


def begin(work: Work, stage: str) -> None:
    """Say in the database which stage the round is in. Raises ``Cancelled`` when it was cancelled meanwhile."""
    work.show(stage, {})
    with publishing(work) as session:
        round_ = session.get_one(Round, work.round_id, with_for_update=True)
        if round_.status == "cancelled":
            raise Cancelled("the round was cancelled")
        round_.status, round_.stage, round_.progress = "running", stage, {}
        round_.started_at = round_.started_at or now()
        session.add(round_)


def finish(work: Work, status: str = "done", message: str | None = None) -> None:
    """Close the round's row. A message is why it failed, or what was left out."""
    with publishing(work) as session:
        round_ = session.get_one(Round, work.round_id)
        round_.status, round_.stage, round_.progress = status, None, {}
        round_.message = message or round_.message
        round_.finished_at = now()
        session.add(round_)
    for file in words_in(work.folder):
        file.unlink(missing_ok=True)


def _must_stop(work: Work) -> bool:
    """Whether training is to end. Raises ``Leaving`` when the round is to be left, as it is, for another process."""
    if work.leaving.is_set():
        raise Leaving("this process is about to end")
    return is_cancelled(work)


def is_cancelled(work: Work) -> bool:
    """Whether somebody asked this round to stop."""
    with suppress(sa.exc.OperationalError), read_session(work.engine) as session:  # away for a moment is not a yes
        return session.get_one(Round, work.round_id).status == "cancelled"
    return False
