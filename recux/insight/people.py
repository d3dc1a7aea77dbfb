"""How far people came, from the invite to the end; how the arms fill; who could be reminded; who does not count."""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Answer, Arm, Consent, Participant, Rating, Response, Study
from db.tables import Session as BrowserSession
from recux.evaluation.experiment import Split, split_of
from recux.evaluation.rows import people_by_arm
from recux.evaluation.scope import live
from recux.evaluation.snapshot import weights

STEPS = ("in_study", "opened", "consented", "rated", "answered", "finished")


def funnel(session: Session, study: Study) -> pd.DataFrame:
    """Columns ``step`` (one of ``STEPS``) and ``people``: how many who count reached each step at least once.

    Someone who reached a later step reached the earlier ones; imported people may lack an invite or a consent row.
    """
    reached = _reached(study)
    names = list(reached)
    columns: list[sa.ColumnElement[int]] = [sa.func.count()]
    for number, name in enumerate(names):
        at_least = sa.or_(*(reached[later] for later in names[number:]))
        columns.append(sa.func.coalesce(sa.func.sum(sa.case((at_least, 1), else_=0)), 0).label(name))
    statement = sa.select(*columns).where(col(Participant.study_id) == study.id, counts())
    found = session.connection().execute(statement).one()
    return pd.DataFrame({"step": STEPS, "people": [int(number) for number in found]})


def balance(session: Session, study: Study) -> pd.DataFrame:
    """How the arms fill: ``arm`` (key), ``weight``, ``people``, ``opened``, ``finished``, ``rejected``."""
    opened = col(Participant.id).in_(
        sa.select(col(BrowserSession.participant_id)).where(col(BrowserSession.participant_id).is_not(None))
    )
    rejected = col(Participant.rejected_at).is_not(None)
    real = ~col(Participant.test) & col(Participant.withdrawn_at).is_(None)
    finished = _finished(study)
    parts = {"people": real & ~rejected, "opened": counts() & (opened | finished), "finished": counts() & finished}
    statement = (
        sa.select(
            col(Arm.key),
            col(Arm.weight),
            *(_number(part).label(name) for name, part in {**parts, "rejected": real & rejected}.items()),
        )
        .select_from(Arm)
        .outerjoin(Participant, col(Participant.arm_id) == col(Arm.id))
        .where(col(Arm.study_id) == study.id)
        .group_by(col(Arm.id), col(Arm.key), col(Arm.weight))
        .order_by(col(Arm.id))
    )
    columns = ["arm", "weight", *parts, "rejected"]
    return pd.DataFrame(session.connection().execute(statement).all(), columns=columns)


def split(session: Session, study: Study) -> Split:
    """Whether people are divided between the arms as planned, of those who came while all arms were open."""
    scope = live(study)
    planned, found = weights(session, scope), people_by_arm(session, scope)
    return split_of({arm: found.get(arm, 0) for arm in planned}, planned)


def cohorts(session: Session, study: Study) -> pd.DataFrame:
    """People who count by ``cohort`` (empty: none): ``people``, ``finished``, largest first."""
    cohort = sa.func.coalesce(col(Participant.cohort), "")
    people = sa.func.count().label("people")
    statement = (
        sa.select(cohort.label("cohort"), people, _number(_finished(study)))
        .where(col(Participant.study_id) == study.id, counts())
        .group_by(cohort)
        .order_by(people.desc(), cohort)
    )
    return pd.DataFrame(session.connection().execute(statement).all(), columns=["cohort", "people", "finished"])


def to_remind(session: Session, study: Study, *, limit: int = 5000) -> pd.DataFrame:
    """Who was invited and has not finished: ``participant``, ``cohort``, ``step`` (the furthest), ``invited``,
    ``seen`` (last sign of life), ``reminded``; those who came furthest first.
    """
    reached = _reached(study)
    place = sa.case(*((reached[name], STEPS.index(name)) for name in reversed(list(reached))), else_=0)
    rated = _last(Rating.received_at, Rating.participant_id)
    answered = _last(Response.started_at, Response.participant_id)
    agreed = _last(Consent.decided_at, Consent.participant_id)
    statement = (
        sa.select(
            col(Participant.external_id),
            sa.func.coalesce(col(Participant.cohort), ""),
            place.label("place"),
            col(Participant.invited_at),
            rated,
            answered,
            agreed,
            col(Participant.reminded_at),
        )
        .where(col(Participant.study_id) == study.id, counts(), col(Participant.finished_at).is_(None))
        .where(sa.or_(col(Participant.invite_hash).is_not(None), col(Participant.came_by) != "invite"))
        .order_by(sa.desc("place"), col(Participant.id))
        .limit(limit)
    )
    names = ["participant", "cohort", "step", "invited", "rated", "answered", "agreed", "reminded"]
    table = pd.DataFrame(session.connection().execute(statement).all(), columns=names)
    times = {name: pd.to_datetime(table[name], utc=True) for name in names[3:]}
    seen = pd.concat([times["rated"], times["answered"], times["agreed"]], axis=1).max(axis=1)
    table = table.assign(step=[STEPS[number] for number in table["step"]], seen=seen, **times)
    return table[["participant", "cohort", "step", "invited", "seen", "reminded"]]


def not_counting(session: Session, study: Study) -> pd.DataFrame:
    """Who takes part but does not count: ``participant``, ``arm`` (key), ``why`` (``test`` or why it was rejected),
    ``since``.
    """
    statement = (
        sa.select(
            col(Participant.external_id),
            sa.func.coalesce(col(Arm.key), ""),
            sa.func.coalesce(col(Participant.rejected_for), "test"),
            sa.func.coalesce(col(Participant.rejected_at), col(Participant.created_at)),
        )
        .outerjoin(Arm, col(Arm.id) == col(Participant.arm_id))
        .where(col(Participant.study_id) == study.id)
        .where(sa.or_(col(Participant.test), col(Participant.rejected_at).is_not(None)))
        .order_by(col(Participant.id))
    )
    table = pd.DataFrame(session.connection().execute(statement).all(), columns=["participant", "arm", "why", "since"])
    return table.assign(since=pd.to_datetime(table["since"], utc=True))


def _reached(study: Study) -> dict[str, sa.ColumnElement[bool]]:
    """The condition on a person of each step after the first."""
    person = col(Participant.id)
    answered = (
        sa.select(col(Response.participant_id))
        .join(Answer, col(Answer.response_id) == col(Response.id))
        .where(col(Response.study_id) == study.id, col(Answer.current))
    )
    return {
        "opened": person.in_(
            sa.select(col(BrowserSession.participant_id)).where(col(BrowserSession.participant_id).is_not(None))
        ),
        "consented": person.in_(sa.select(col(Consent.participant_id)).where(col(Consent.given))),
        "rated": person.in_(
            sa.select(col(Rating.participant_id)).where(col(Rating.study_id) == study.id, col(Rating.current))
        ),
        "answered": person.in_(answered),
        "finished": _finished(study),
    }


def _finished(study: Study) -> sa.ColumnElement[bool]:
    """Whether a person came to the end; who was imported, and so never agreed in a page, did with the last answer."""
    at_the_end = col(Participant.finished_at).is_not(None)
    if not study.instruments:
        return at_the_end
    imported = col(Participant.id).not_in(sa.select(col(Consent.participant_id)))
    answered_all = col(Participant.id).in_(
        sa.select(col(Response.participant_id))
        .where(col(Response.study_id) == study.id, col(Response.instrument).in_(study.instruments))
        .group_by(col(Response.participant_id))
        .having(sa.func.count(sa.distinct(col(Response.instrument))) == len(set(study.instruments)))
    )
    return sa.or_(at_the_end, imported & answered_all)


def _number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _last(moment: Any, owner: Any) -> sa.ScalarSelect[Any]:
    """The newest of a person's rows of one kind."""
    return sa.select(sa.func.max(col(moment))).where(col(owner) == col(Participant.id)).scalar_subquery()
