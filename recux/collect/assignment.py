"""Who sees which arm: sticky, and balanced over the people who take part.

Minimisation (Taves 1974; Pocock and Simon 1975) without covariates: the next person joins the arm that is furthest
behind its weight, counting only those who finished or were active lately, because people who never came back do not
make a comparison balanced. In a crossover study the arm decides the order, so that as many people meet A before B as B
before A. Ties fall by a hash with the study's secret salt, so that nobody can foresee their arm.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of
from db.tables import Arm, Consent, Participant, Rating, Study, now
from db.tables import Session as BrowserSession
from recux.errors import Conflict

RECENT = timedelta(hours=24)
"""How long after their last sign of life a person who has not finished still counts."""


@dataclass
class Balance:
    """How many people each arm has; :meth:`next_arm` counts the person it places."""

    arms: Sequence[Arm]
    counts: dict[int, float]
    salt: str

    def next_arm(self, external_id: str) -> Arm:
        """The arm for the next person. Raises Conflict when no arm has a weight above 0."""
        open_arms = [arm for arm in self.arms if arm.weight > 0]
        if not open_arms:
            raise Conflict("no arm of the study has a weight above 0, so nobody can be assigned")
        chosen = min(open_arms, key=lambda arm: (self._after(arm), self._lot(external_id, arm)))
        self.counts[_id(chosen)] = self.counts.get(_id(chosen), 0) + 1
        return chosen

    def _after(self, arm: Arm) -> float:
        return (self.counts.get(_id(arm), 0) + 1) / arm.weight

    def _lot(self, external_id: str, arm: Arm) -> str:
        return hashlib.sha256(f"{self.salt}/arm/{external_id}/{arm.key}".encode()).hexdigest()


def balance_of(session: Session, study: Study) -> Balance:
    """The present balance of a study over people who finished or were active within :data:`RECENT`."""
    assert study.id is not None
    counted = (
        sa.select(col(Participant.arm_id), sa.func.count())
        .where(
            col(Participant.study_id) == study.id,
            col(Participant.arm_id).is_not(None),
            col(Participant.withdrawn_at).is_(None),
            col(Participant.rejected_at).is_(None),
            ~col(Participant.test),
            _takes_part(),
        )
        .group_by(col(Participant.arm_id))
    )
    counts: dict[int, float] = {arm: n for arm, n in session.connection().execute(counted) if arm is not None}
    return Balance(arms_of(session, study.id), counts, study.salt)


def assign_arm(session: Session, participant: Participant, *, period: int = 1) -> Arm:
    """The person's arm in a period; assigned now, and for good, when there is none yet.

    Raises Conflict for a second period in a study that has only one.
    """
    study = session.get_one(Study, participant.study_id)
    if participant.arm_id is None or (study.design == "crossover" and participant.second_arm_id is None):
        study = session.exec(
            select(Study).where(Study.id == participant.study_id).with_for_update(key_share=True)
        ).one()
        session.refresh(participant)  # somebody may have been quicker while we waited for the lock
        balance = balance_of(session, study)
        if participant.arm_id is None:
            participant.arm_id = balance.next_arm(participant.external_id).id
        _add_second(study, participant, balance.arms)
        session.add(participant)
        session.flush()
    if period > 1 and participant.second_arm_id is None:
        raise Conflict(f"the study {study.slug} shows one list a person; there is no period {period}")
    arm = session.get(Arm, participant.arm_id if period == 1 else participant.second_arm_id)
    assert arm is not None  # a foreign key holds it
    return arm


def assign_everyone(session: Session, study: Study) -> int:
    """Give every person of the study who has no arm one, in an order that the salt decides; returns how many."""
    waiting = session.exec(
        select(Participant).where(Participant.study_id == study.id, col(Participant.arm_id).is_(None))
    ).all()
    balance = balance_of(session, study)
    for participant in sorted(waiting, key=lambda person: _shuffle(study.salt, person.external_id)):
        participant.arm_id = balance.next_arm(participant.external_id).id
        _add_second(study, participant, balance.arms)
        session.add(participant)
    session.flush()
    return len(waiting)


def _add_second(study: Study, participant: Participant, arms: Sequence[Arm]) -> None:
    """In a crossover study, the arm of the second period: the one that is not the first's."""
    if study.design == "crossover" and participant.second_arm_id is None:
        others = [arm for arm in arms if arm.weight > 0 and arm.id != participant.arm_id]
        if len(others) != 1:
            raise Conflict(f"the crossover study {study.slug} needs exactly two arms with a weight above 0")
        participant.second_arm_id = others[0].id


def _takes_part() -> sa.ColumnElement[bool]:
    since = now() - RECENT
    person = col(Participant.id)
    signs = [
        sa.select(1).where(col(BrowserSession.participant_id) == person, col(BrowserSession.created_at) > since),
        sa.select(1).where(col(Consent.participant_id) == person, col(Consent.decided_at) > since),
        sa.select(1).where(col(Rating.participant_id) == person, col(Rating.received_at) > since),
    ]
    finished = col(Participant.finished_at).is_not(None)
    return sa.or_(finished, col(Participant.created_at) > since, *(sign.exists() for sign in signs))


def _shuffle(salt: str, external_id: str) -> str:
    return hashlib.sha256(f"{salt}/order/{external_id}".encode()).hexdigest()


def _id(arm: Arm) -> int:
    assert arm.id is not None
    return arm.id
