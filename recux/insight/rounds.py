"""The open batch, the rounds so far, and what their models are worth beside the baselines."""

from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import counts, rounds_of
from db.tables import Answer, Batch, BatchRow, ModelVersion, Participant, Rating, Response, Round, Study
from recux.insight.kept import kept

MEASURES = ("auc", "qwk", "f1_macro", "accuracy", "mae", "brier", "ece")


class OpenBatch(NamedTuple):
    """What was collected since the last batch was closed."""

    ratings: int
    answers: int
    questionnaires: int
    """Filled in, at least in part: what the answers belong to."""
    size: int
    """Ratings, or questionnaires, at which the batch closes by itself."""

    @property
    def share(self) -> float:
        """How full it is; 1 and more closes it."""
        return max(self.ratings, self.questionnaires) / self.size


def open_batch(session: Session, study: Study) -> OpenBatch:
    """What the next batch would hold if it were closed now; of a large study as of some seconds ago."""
    return kept(session, study, counted).value


def counted(session: Session, study: Study) -> OpenBatch:
    """What the next batch would hold, counted row by row."""
    ratings = _unbatched("rating", Rating, study).join(Participant, col(Participant.id) == Rating.participant_id)
    answers = (
        _unbatched("answer", Answer, study)
        .join(Response, col(Response.id) == Answer.response_id)
        .join(Participant, col(Participant.id) == Response.participant_id)
    )
    totals = (sa.func.count(), sa.func.count(sa.distinct(col(Answer.response_id))))
    of_answers = answers.with_only_columns(*totals, maintain_column_froms=True).where(counts())
    given, questionnaires = session.connection().execute(of_answers).one()
    return OpenBatch(session.exec(ratings.where(counts())).one(), given, questionnaires, study.batch_size)


def latest(session: Session, study: Study) -> Round | None:
    """The newest round, whatever its status."""
    assert study.id is not None
    rounds = rounds_of(session, study.id)
    return rounds[-1] if rounds else None


def numbered(session: Session, study: Study, number: int) -> Round:
    """The study's round with this number."""
    return session.exec(select(Round).where(Round.study_id == study.id, Round.number == number)).one()


def last_done(session: Session, study: Study) -> Round | None:
    """The newest round that was finished."""
    assert study.id is not None
    return next((round_ for round_ in reversed(rounds_of(session, study.id)) if round_.status == "done"), None)


def history(session: Session, study: Study) -> pd.DataFrame:
    """One row for each round, newest first: ``number``, ``status``, ``ratings``, ``answers``, ``closed_by``,
    ``started``, ``minutes``, ``message``.
    """
    rows = session.exec(
        select(Round, Batch)
        .join(Batch, col(Batch.id) == Round.batch_id)
        .where(Round.study_id == study.id)
        .order_by(col(Round.number).desc())
    )
    columns = ("number", "status", "ratings", "answers", "closed_by", "started", "minutes", "message")
    table = [
        (
            r.number,
            r.status,
            b.ratings,
            b.answers,
            b.closed_by,
            r.started_at,
            _minutes(r.started_at, r.finished_at),
            r.message,
        )
        for r, b in rows
    ]
    return pd.DataFrame(table, columns=list(columns))


def models(session: Session, round_: Round) -> pd.DataFrame:
    """Held-out figures of a round's models: ``head``, ``model``, ``baseline``, ``champion``, ``measure``, ``value``,
    ``ci_low``, ``ci_high``, ``n``, ``definition``, ``reason``; a row for each measure that could be estimated.
    """
    versions = session.exec(
        select(ModelVersion).where(ModelVersion.round_id == round_.id).order_by(col(ModelVersion.id))
    )
    rows = [
        {
            "head": v.head,
            "model": v.name,
            "baseline": v.baseline,
            "champion": v.champion,
            "measure": measure,
            "why": v.reason,
        }
        | _figure(v.metrics[measure])
        for v in versions
        for measure in MEASURES
        if isinstance(v.metrics.get(measure), dict) and v.metrics[measure].get("value") is not None
    ]
    columns = [
        "head",
        "model",
        "baseline",
        "champion",
        "measure",
        "why",
        "value",
        "ci_low",
        "ci_high",
        "n",
        "definition",
    ]
    return pd.DataFrame(rows, columns=columns)


def batch_numbers(session: Session, study: Study, kind: str, ids: "pd.Series[int]") -> "pd.Series[int]":
    """The number of the batch that each row (``rating`` or ``answer``) is in, missing for those in none."""
    statement = (
        sa.select(col(BatchRow.row_id), col(Batch.number))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(col(Batch.study_id) == study.id, col(BatchRow.kind) == kind)
    )
    known = {row[0]: row[1] for row in session.connection().execute(statement)}
    return ids.map(known).astype("Int64")


def _unbatched(kind: str, table: Any, study: Study) -> Any:
    member = sa.select(col(BatchRow.row_id)).where(col(BatchRow.kind) == kind, col(BatchRow.row_id) == col(table.id))
    fresh = (col(table.study_id) == study.id, col(table.current), ~member.exists())
    return select(sa.func.count()).select_from(table).where(*fresh)


def _figure(figure: dict[str, Any]) -> dict[str, Any]:
    return {name: figure.get(name) for name in ("value", "ci_low", "ci_high", "n", "definition")}


def _minutes(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds() / 60, 1) if start and end else None
