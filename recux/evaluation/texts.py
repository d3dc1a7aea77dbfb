"""What people wrote, and how long they took to read what was asked."""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Answer, ImportRun, Participant, Rating, Response
from recux.evaluation.data_quality import words_in
from recux.evaluation.frames import frame_of, moment, of_study, read
from recux.evaluation.rows import member
from recux.evaluation.scope import Scope


def comments(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``id`` (of the rating), ``participant``, ``comment``: the current comments that are not blank."""
    statement: sa.Select[*tuple[Any, ...]] = (
        sa.select(col(Rating.id), col(Rating.participant_id).label("participant"), col(Rating.comment))
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .where(of_study(session, scope, col(Rating.study_id), col(Rating.participant_id)))
        .where(col(Rating.current), counts())
        .where(sa.func.trim(col(Rating.comment)) != "")
    )
    if scope.last is not None and scope.first == scope.last:  # one batch: do not look through all
        statement = statement.where(member("rating", col(Rating.id), scope))
    return read(session, statement, {"id": "int64", "participant": "int64", "comment": "str"})


def timings(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``response``, ``participant``, ``seconds``, ``words`` of completed questionnaires.

    Only those whose start and end are both known: imported answers end when, or before, they start.
    """
    took = (
        sa.select(
            col(Response.id).label("response"),
            col(Response.participant_id).label("participant"),
            moment(col(Response.started_at)).label("started"),
            moment(col(Response.completed_at)).label("completed"),
        )
        .join(Participant, col(Participant.id) == col(Response.participant_id))
        .where(of_study(session, scope, col(Response.study_id), col(Response.participant_id)))
        .where(col(Response.completed_at).is_not(None), counts())
    )
    kinds = {"response": "int64", "participant": "int64"}
    if scope.last is not None and scope.first == scope.last:
        said = sa.select(col(Answer.response_id)).where(member("answer", col(Answer.id), scope))
        took = took.where(col(Response.id).in_(said))
    rows = frame_of(session, took, kinds, moments=("started", "completed"))
    rows["seconds"] = (rows["completed"] - rows["started"]).dt.total_seconds()
    timed = rows[rows["seconds"] > 0].merge(_words(session, scope), on="response")
    return timed[["response", "participant", "seconds", "words"]]


def quarantined(session: Session, scope: Scope) -> int:
    """Rows that imports put aside; of a file that was imported again only the last time counts."""
    here = col(ImportRun.study_id) == scope.study
    last = sa.select(sa.func.max(col(ImportRun.id))).where(here).group_by(col(ImportRun.kind), col(ImportRun.file))
    total = sa.select(sa.func.coalesce(sa.func.sum(col(ImportRun.quarantined)), 0)).where(col(ImportRun.id).in_(last))
    return int(session.connection().execute(total).scalar_one())


def _words(session: Session, scope: Scope) -> pd.DataFrame:
    """Words shown in each response, over its answered questions."""
    statement: sa.Select[*tuple[Any, ...]] = (
        sa.select(col(Answer.response_id).label("response"), col(Answer.wording))
        .join(Response, col(Response.id) == col(Answer.response_id))
        .where(of_study(session, scope, col(Answer.study_id), col(Response.participant_id)))
        .where(col(Answer.current), col(Answer.wording).is_not(None))
    )
    if scope.last is not None and scope.first == scope.last:
        statement = statement.where(member("answer", col(Answer.id), scope))
    rows = read(session, statement, {"response": "int64", "wording": "str"})
    lengths = {wording: words_in(wording) for wording in rows["wording"].unique()}
    rows["words"] = rows["wording"].map(lengths).astype("float64")
    return rows.groupby("response")["words"].sum().reset_index()
