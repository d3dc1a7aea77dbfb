"""How far people came, from the invite to the end; how the arms fill; who could be reminded; who does not count."""

from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import arms_of, counts
from db.tables import Arm, Consent, Participant, Rating, Response, Study
from recux.evaluation.experiment import Split, split_of
from recux.evaluation.rows import people_by_arm
from recux.evaluation.scope import live
from recux.evaluation.snapshot import weights
from recux.insight.way import STEPS, people_and_steps


def funnel(session: Session, study: Study) -> pd.DataFrame:
    """Columns ``step`` (one of ``STEPS``) and ``people``: how many who count reached each step at least once.

    Someone who reached a later step reached the earlier ones; imported people may lack an invite or a consent row.
    """
    people, reached = people_and_steps(study)
    names = list(reached)
    columns: list[sa.ColumnElement[int]] = [sa.func.count()]
    for number, name in enumerate(names):
        columns.append(_number(sa.or_(*(reached[later] for later in names[number:]))).label(name))
    statement = sa.select(*columns).select_from(people).where(col(Participant.study_id) == study.id, counts())
    found = session.connection().execute(statement).one()
    return pd.DataFrame({"step": STEPS, "people": [int(number) for number in found]})


def balance(session: Session, study: Study) -> pd.DataFrame:
    """How the arms fill: ``arm`` (key), ``weight``, ``people``, ``opened``, ``finished``, ``rejected``."""
    people, reached = people_and_steps(study)
    rejected = col(Participant.rejected_at).is_not(None)
    real = ~col(Participant.test) & col(Participant.withdrawn_at).is_(None)
    opened, finished = reached["opened"], reached["finished"]
    parts = {"people": real & ~rejected, "opened": counts() & (opened | finished), "finished": counts() & finished,
             "rejected": real & rejected}  # fmt: skip
    counted = sa.select(col(Participant.arm_id), *(_number(part) for part in parts.values())).select_from(people)
    mine = counted.where(col(Participant.study_id) == study.id).group_by(col(Participant.arm_id))
    by_arm = {arm: numbers for arm, *numbers in session.connection().execute(mine)}
    nobody = [0] * len(parts)
    arms = [(arm.key, arm.weight, *by_arm.get(arm.id, nobody)) for arm in arms_of(session, study.id or 0)]
    return pd.DataFrame(arms, columns=["arm", "weight", *parts])


def split(session: Session, study: Study) -> Split:
    """Whether people are divided between the arms as planned, of those who came while all arms were open."""
    scope = live(study)
    planned, found = weights(session, scope), people_by_arm(session, scope)
    return split_of({arm: found.get(arm, 0) for arm in planned}, planned)


def cohorts(session: Session, study: Study) -> pd.DataFrame:
    """People who count by ``cohort`` (empty: none): ``people``, ``finished``, largest first."""
    cohort = sa.func.coalesce(col(Participant.cohort), "")
    people = sa.func.count().label("people")
    source, reached = people_and_steps(study)
    statement = (
        sa.select(cohort.label("cohort"), people, _number(reached["finished"]))
        .select_from(source)
        .where(col(Participant.study_id) == study.id, counts())
        .group_by(cohort)
        .order_by(people.desc(), cohort)
    )
    return pd.DataFrame(session.connection().execute(statement).all(), columns=["cohort", "people", "finished"])


def to_remind(session: Session, study: Study, *, limit: int = 5000) -> pd.DataFrame:
    """Who was invited and has not finished: ``participant``, ``cohort``, ``step`` (the furthest), ``invited``,
    ``seen`` (last sign of life), ``reminded``; those who came furthest first.
    """
    source, reached = people_and_steps(study)
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
        .select_from(source)
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


def _number(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _last(moment: Any, owner: Any) -> sa.ScalarSelect[Any]:
    """The newest of a person's rows of one kind."""
    return sa.select(sa.func.max(col(moment))).where(col(owner) == col(Participant.id)).scalar_subquery()
