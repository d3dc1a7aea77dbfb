"""How far people came, from the invite to the end."""

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Answer, Consent, Participant, Rating, Response, Study
from db.tables import Session as BrowserSession

STEPS = ("in_study", "opened", "consented", "rated", "answered", "finished")


def funnel(session: Session, study: Study) -> pd.DataFrame:
    """Columns ``step`` (one of ``STEPS``) and ``people``: how many who count reached each step at least once.

    Someone who reached a later step reached the earlier ones; imported people may lack an invite or a consent row.
    """
    person = col(Participant.id)
    answered = (
        sa.select(col(Response.participant_id))
        .join(Answer, col(Answer.response_id) == col(Response.id))
        .where(col(Response.study_id) == study.id, col(Answer.current))
    )
    reached = {
        "opened": person.in_(
            sa.select(col(BrowserSession.participant_id)).where(col(BrowserSession.participant_id).is_not(None))
        ),
        "consented": person.in_(sa.select(col(Consent.participant_id)).where(col(Consent.given))),
        "rated": person.in_(
            sa.select(col(Rating.participant_id)).where(col(Rating.study_id) == study.id, col(Rating.current))
        ),
        "answered": person.in_(answered),
        "finished": col(Participant.finished_at).is_not(None),
    }
    names = list(reached)
    columns: list[sa.ColumnElement[int]] = [sa.func.count()]
    for number, name in enumerate(names):
        at_least = sa.or_(*(reached[later] for later in names[number:]))
        columns.append(sa.func.coalesce(sa.func.sum(sa.case((at_least, 1), else_=0)), 0).label(name))
    statement = sa.select(*columns).where(col(Participant.study_id) == study.id, counts())
    found = session.connection().execute(statement).one()
    return pd.DataFrame({"step": STEPS, "people": [int(number) for number in found]})
