"""Who came after a change was put into practice: what the others said was known beforehand, and tests no prediction."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Answer, Batch, BatchRow, Participant, Rating, Response, Round, Slate
from recux.suggest.columns import Flags, Floats, integers
from recux.suggest.frames import Evidence
from recux.suggest.reading import Index, Row, moment
from recux.suggest.rows import by_person
from recux.suggest.verdicts import FEWEST


def came_after(e: Evidence, received: Floats, put_in_practice: datetime) -> Evidence | None:
    """The evidence of those of whom nothing was `received` before the change was put into practice; None where fewer
    than `FEWEST` of them came, though others did.
    """
    since = put_in_practice.timestamp()
    before = received < since
    if not before.any():
        return e
    return among(e, ~before) if (received >= since).sum() >= FEWEST else None


def first_received(session: Session, round_: Round, e: Evidence) -> Floats:
    """When recux received each person's first rating or answer of the round's batch, in seconds, shape (people,); of
    people without any, when they were first shown a list since recux knew them. NaN for neither.

    It is not when people say that they rated: what an import brings was unknown until then.
    """
    of_round = (col(Batch.study_id) == round_.study_id, col(Batch.number) == round_.number)
    rated: Row = (
        sa.select(col(Rating.participant_id), moment(sa.func.min(col(Rating.received_at)), "at"))
        .join(BatchRow, (col(BatchRow.row_id) == col(Rating.id)) & (col(BatchRow.kind) == "rating"))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(*of_round)
        .group_by(col(Rating.participant_id))
    )
    answered: Row = (
        sa.select(col(Response.participant_id), moment(sa.func.min(col(Answer.received_at)), "at"))
        .join(Answer, col(Answer.response_id) == col(Response.id))
        .join(BatchRow, (col(BatchRow.row_id) == col(Answer.id)) & (col(BatchRow.kind) == "answer"))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(*of_round)
        .group_by(col(Response.participant_id))
    )
    shown: Row = (
        sa.select(col(Slate.participant_id), moment(sa.func.min(col(Slate.served_at)), "at"))
        .where(col(Slate.study_id) == round_.study_id)
        .group_by(col(Slate.participant_id))
    )
    known: Row = sa.select(
        col(Participant.id).label("participant_id"), moment(col(Participant.created_at), "at")
    ).where(col(Participant.study_id) == round_.study_id)
    person = Index(e.people["id"])
    row = np.fmin(by_person(session, rated, person), by_person(session, answered, person))
    seen = np.maximum(by_person(session, shown, person), by_person(session, known, person))
    return np.where(np.isnan(row), seen, row)


def among(e: Evidence, kept: Flags) -> Evidence:
    """The evidence of these people alone; rows that name nobody stay."""
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)  # the last entry serves nobody

    def mine(table: pd.DataFrame) -> pd.DataFrame:
        person = integers(table["person"])
        rows = (person < 0) | (number[person] >= 0)
        return table[rows].assign(person=number[person[rows]]).reset_index(drop=True)

    return replace(
        e,
        people=e.people[kept].reset_index(drop=True),
        ratings=mine(e.ratings),
        answers=mine(e.answers),
        impressions=mine(e.impressions),
        requests=mine(e.requests),
        interactions=mine(e.interactions),
    )
