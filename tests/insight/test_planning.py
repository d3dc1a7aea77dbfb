"""What a planned pilot can see, against the textbook formula, and where its spread comes from."""

from math import sqrt

import numpy as np
import pytest
from sqlmodel import select

from db.engine import read_session, write_session
from db.queries import arms_of
from db.tables import Arm, Item, now
from recux.insight.planning import margin_of, plan
from tests.planting import plant_answers, plant_person, plant_rating, plant_study


def planned(engine, study):
    with read_session(engine) as session:
        return plan(session, study)


def test_without_data_the_spread_is_a_typical_one_and_the_effect_that_of_the_formula(sqlite_engine):
    with write_session(sqlite_engine) as session:
        study = plant_study(session, planned_n=50, primary_metric="nps")
    found = planned(sqlite_engine, study)
    assert (found.n_per_arm, found.n_from, found.sd_from) == (50, "planned", "typical")
    assert found.detectable == pytest.approx((1.959964 + 0.841621) * 75 * sqrt(2 / 50), rel=1e-4)
    assert found.needed == np.ceil(2 * ((1.959964 + 0.841621) * 75 / 10) ** 2)


def test_with_data_the_spread_is_that_of_people_within_their_arms(sqlite_engine):
    with write_session(sqlite_engine) as session:
        study = plant_study(session, launched_at=now())
        item = session.exec(select(Item.id)).first()
        stars = {0: (1, 2, 3), 1: (3, 4, 5)}
        for n in range(24):
            arm = arms_of(session, study.id)[n % 2]
            plant_rating(session, plant_person(session, study, f"p{n}", arm_id=arm.id), item, stars[n % 2][n // 2 % 3])
        later = plant_study(session, "later", planned_n=30)
    own, other = planned(sqlite_engine, study), planned(sqlite_engine, later)
    expected = np.std([-1, 0, 1] * 8, ddof=1)
    assert (own.sd_from, own.sd_n, own.n_from, own.n_per_arm) == ("own", 24, "invited", 12)
    assert own.sd == pytest.approx(expected)
    assert (other.sd_from, other.sd) == ("shop", pytest.approx(expected))


@pytest.mark.parametrize(
    ("metric", "scores", "coded"),
    [("nps", (0, 8, 10), (-100, 0, 100)), ("csat", (3, 4, 5), (0, 1, 1)), ("ces", (2, 4, 6), (2, 4, 6))],
)
def test_each_metric_has_one_value_a_person(sqlite_engine, metric, scores, coded):
    with write_session(sqlite_engine) as session:
        study = plant_study(session, primary_metric=metric, planned_n=10)
        arm = arms_of(session, study.id)[0]
        for n in range(30):
            person = plant_person(session, study, f"p{n}", arm_id=arm.id)
            plant_answers(session, person, metric, score=float(scores[n % 3]))
    found = planned(sqlite_engine, study)
    assert found.sd == pytest.approx(np.std(coded * 10, ddof=1))


def test_one_arm_or_nobody_has_no_plan(sqlite_engine):
    with write_session(sqlite_engine) as session:
        alone = plant_study(session, arms=("only",), planned_n=50)
        nobody = plant_study(session, "nobody")
    assert planned(sqlite_engine, alone) is None
    assert planned(sqlite_engine, nobody) is None
    with write_session(sqlite_engine) as session:
        session.exec(select(Arm).where(Arm.study_id == nobody.id)).first().weight = 0


def test_constructs_and_rates_have_margins_too():
    assert margin_of("ctr", {}) == pytest.approx(0.01)
    assert margin_of("sus", {}) == 5
