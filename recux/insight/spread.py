"""How the answers to one question, or the stars, are spread over the scale: to be seen before any average."""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Answer, Arm, Participant, Rating, Response, Slate, Study
from recux.evaluation import satisfaction
from recux.insight.cuts import Dimension, Said

QUESTIONS = ("nps", "csat", "ces")
"""Instruments of a single question."""


def spread(said: Said, metric: str, by: Dimension) -> pd.DataFrame:
    """How the answers are spread: ``answer`` (a point of the scale), ``group``, ``share`` (0 to 1), ``n``; of ratings,
    or of the one question of NPS, CSAT and CES. Empty for any other metric.
    """
    if metric == "mean_rating":
        rows = said.ratings.assign(answer=(said.ratings["rating"] + 0.5).astype("int64"))
    elif metric in QUESTIONS:
        answers = satisfaction.last_wave(said.answers)
        asked = (answers["instrument"] == metric) & (answers["question"] == "score") & answers["value"].notna()
        rows = answers[asked].assign(answer=answers["value"][asked].astype("int64"))
    else:
        return pd.DataFrame(columns=["answer", "group", "share", "n"])
    return _shares(rows.groupby([by, "answer"]).size().rename("count").reset_index().rename(columns={by: "group"}))


def spread_of_arms(session: Session, study: Study, metric: str) -> pd.DataFrame:
    """The same of everything, by arm, counted by the database; of a questionnaire's last wave."""
    if metric == "mean_rating":
        statement = _stars(study)
    elif metric in QUESTIONS:
        statement = _answers(study, metric)
    else:
        return pd.DataFrame(columns=["answer", "group", "share", "n"])
    rows = session.connection().execute(statement).all()
    return _shares(pd.DataFrame(rows, columns=["group", "answer", "count"]))


def _stars(study: Study) -> sa.Select[*tuple[Any, ...]]:
    owner = sa.func.coalesce(col(Slate.arm_id), col(Participant.arm_id))
    source = (
        sa.join(Rating, Participant, col(Rating.participant_id) == col(Participant.id))
        .outerjoin(Slate, col(Slate.id) == col(Rating.slate_id))
        .outerjoin(Arm, col(Arm.id) == owner)
    )
    answer = sa.cast(sa.func.floor(col(Rating.rating) + 0.5), sa.Integer())
    return _counted(source, answer).where(col(Rating.study_id) == study.id, col(Rating.current))


def _answers(study: Study, instrument: str) -> sa.Select[*tuple[Any, ...]]:
    source = (
        sa.join(Answer, Response, col(Answer.response_id) == col(Response.id))
        .join(Participant, col(Response.participant_id) == col(Participant.id))
        .outerjoin(Arm, col(Arm.id) == col(Participant.arm_id))
    )
    later = aliased(Response)
    newer = sa.select(1).where(
        col(later.participant_id) == col(Participant.id),
        col(later.instrument) == instrument,
        col(later.wave) > col(Response.wave),
    )
    return _counted(source, sa.cast(col(Answer.value), sa.Integer())).where(
        col(Answer.study_id) == study.id,
        col(Answer.current),
        col(Answer.question) == "score",
        col(Answer.value).is_not(None),
        col(Response.instrument) == instrument,
        ~newer.exists(),
    )


def _counted(source: Any, answer: sa.ColumnElement[int]) -> sa.Select[*tuple[Any, ...]]:
    arm = sa.func.coalesce(col(Arm.key), "")
    counted = sa.select(arm, answer, sa.func.count()).select_from(source).where(counts())
    return counted.group_by(arm, answer).order_by(arm, answer)


def _shares(found: pd.DataFrame) -> pd.DataFrame:
    n = found.groupby("group")["count"].transform("sum")
    return found.assign(n=n, share=found["count"] / n)[["answer", "group", "share", "n"]]
