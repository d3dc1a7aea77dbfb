"""Assignment is sticky, follows the weights, and balances over those who take part."""

from datetime import timedelta

import pytest
from sqlmodel import select

from db.engine import write_session
from db.tables import Arm, Participant, now
from db.tables import Session as BrowserSession
from recux.collect.assignment import assign_arm
from recux.errors import Conflict
from tests.planting import plant_person, plant_study

LONG_AGO = now() - timedelta(days=30)


def arm_keys(session):
    return dict(session.exec(select(Arm.id, Arm.key)).all())


def test_a_person_keeps_their_arm(engine):
    with write_session(engine) as session:
        study = plant_study(session)
        person = plant_person(session, study, "p")
        arm = assign_arm(session, person)
        for n in range(5):
            assign_arm(session, plant_person(session, study, f"q{n}"))
        assert assign_arm(session, person).id == arm.id


def test_arrivals_one_by_one_fill_the_arms_evenly(engine):
    with write_session(engine) as session:
        study = plant_study(session)
        arms = [assign_arm(session, plant_person(session, study, f"p{n}")).key for n in range(30)]
    assert arms.count("a") == arms.count("b") == 15
    assert arms[:6] != ["a", "b"] * 3  # the lots decide who is first in each pair


def test_people_who_never_came_back_do_not_balance_anything(engine):
    with write_session(engine) as session:
        study = plant_study(session)
        first = min(arm_keys(session))
        for n in range(10):
            plant_person(session, study, f"gone{n}", arm_id=first, created_at=LONG_AGO)
        arms = [assign_arm(session, plant_person(session, study, f"p{n}")).key for n in range(10)]
    assert arms.count("a") == arms.count("b") == 5


def test_people_who_finished_or_came_back_lately_do(engine):
    with write_session(engine) as session:
        study = plant_study(session)
        first = min(arm_keys(session))
        for n in range(3):
            plant_person(session, study, f"done{n}", arm_id=first, created_at=LONG_AGO, finished_at=LONG_AGO)
        back = plant_person(session, study, "back", arm_id=first, created_at=LONG_AGO)
        session.add(BrowserSession(token_hash="t", participant_id=back.id, expires_at=now()))
        arms = [assign_arm(session, plant_person(session, study, f"p{n}")).key for n in range(6)]
    assert arms.count("b") - arms.count("a") == 4


def test_test_participants_and_those_who_withdrew_do_not_count(engine):
    with write_session(engine) as session:
        study = plant_study(session)
        first = min(arm_keys(session))
        for n in range(4):
            plant_person(session, study, f"t{n}", arm_id=first, test=True)
            plant_person(session, study, f"w{n}", arm_id=first, withdrawn_at=now())
        arms = [assign_arm(session, plant_person(session, study, f"p{n}")).key for n in range(4)]
    assert arms.count("a") == 2


def test_an_arm_of_weight_zero_gets_nobody(engine):
    with write_session(engine) as session:
        study = plant_study(session)
        arm = session.exec(select(Arm).where(Arm.key == "a")).one()
        arm.weight = 0
        session.add(arm)
        session.flush()
        assert {assign_arm(session, plant_person(session, study, f"p{n}")).key for n in range(4)} == {"b"}
        session.exec(select(Arm).where(Arm.key == "b")).one().weight = 0
        session.flush()
        with pytest.raises(Conflict, match="weight above 0"):
            assign_arm(session, plant_person(session, study, "late"))


def test_another_salt_gives_other_lots(engine):
    drawn = []
    with write_session(engine) as session:
        for salt in ("one", "two"):
            study = plant_study(session, slug=salt)
            study.salt = salt
            session.flush()
            drawn.append([assign_arm(session, plant_person(session, study, f"p{n}")).key for n in range(20)])
        assert session.exec(select(Participant).where(Participant.arm_id == None)).all() == []  # noqa: E711
    assert drawn[0] != drawn[1]
