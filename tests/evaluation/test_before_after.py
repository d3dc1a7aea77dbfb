"""A round against the one before it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from sqlmodel import select

from db.engine import write_session
from db.tables import Figure
from recux.evaluation import evaluate_round
from recux.insight import before_after
from recux.rounds.batches import close_batch
from tests.planting import plant_answers, plant_person, plant_rating, plant_study


@pytest.fixture
def session(sqlite_engine):
    with write_session(sqlite_engine) as session:
        yield session


def rate(session, person, stars, day):
    for item, star in enumerate(stars, start=1):
        plant_rating(session, person, item, float(star), day=day)


def changes(session, study, *rounds):
    for round_ in rounds:
        evaluate_round(session, round_)
        round_.status = "done"
        session.add(round_)
    session.flush()
    return before_after.table(session, study).set_index(["metric", "arm"])


def test_people_who_came_back_are_compared_with_themselves(session):
    study, rng = plant_study(session), np.random.default_rng(1)
    people = [plant_person(session, study, f"p{n}", arm_id=1 + n % 2) for n in range(14)]
    taste, gain = rng.integers(1, 4, 14), rng.integers(0, 3, 14)
    for person, star in zip(people, taste, strict=True):
        rate(session, person, [star, star], 0)
    first = close_batch(session, study)
    for person, star in zip(people, taste + gain, strict=True):
        rate(session, person, [star, star], 1)
    found = changes(session, study, first, close_batch(session, study)).loc[("mean_rating", "")]
    wanted = scipy_stats.ttest_rel(taste + gain, taste)
    assert (found["paired"], found["n"], found["round"]) == (True, 14, 2)
    assert found["value"] == pytest.approx(gain.mean())
    assert found["p"] == pytest.approx(wanted.pvalue)
    assert "the same people in both" in found["definition"]
    assert pd.isna(found["against"])


def test_other_people_are_compared_as_others_and_count_once(session):
    study, rng = plant_study(session), np.random.default_rng(2)
    old = [plant_person(session, study, f"old{n}") for n in range(20)]
    new = [plant_person(session, study, f"new{n}") for n in range(18)]
    stars = rng.integers(1, 6, 40).astype(float)
    for person, star in zip(old, stars[:20], strict=True):
        plant_answers(session, person, "ces", score=star)
    first = close_batch(session, study)
    for person, star in zip(new, stars[20:], strict=False):
        plant_answers(session, person, "ces", score=star)
    found = changes(session, study, first, close_batch(session, study)).loc[("ces", "")]
    wanted = scipy_stats.ttest_ind(stars[20:38], stars[:20], equal_var=False)
    assert (found["paired"], found["n_before"], found["n_after"]) == (False, 20, 18)
    assert found["p"] == pytest.approx(wanted.pvalue)


def test_a_difference_that_the_mix_of_cohorts_made_is_called_by_its_name(session):
    """In both cohorts ratings rose, but many more came from the cohort that rates low."""
    study, rng = plant_study(session), np.random.default_rng(3)

    def batch(name, counts, day, more):
        for cohort, n in counts.items():
            for number in range(n):
                person = plant_person(session, study, f"{name}-{cohort}-{number}", cohort=cohort)
                low = {"keen": 4.0, "cool": 1.5}[cohort] + more
                rate(session, person, np.clip(low + rng.normal(0, 0.2, 2), 1, 5), day)
        return close_batch(session, study)

    rounds = batch("one", {"keen": 24, "cool": 6}, 0, 0.0), batch("two", {"keen": 6, "cool": 24}, 1, 0.4)
    found = changes(session, study, *rounds).loc[("mean_rating", "")]
    assert found["value"] < -0.5
    assert found["mix_p"] < 0.001
    assert found["within_cohorts"]["value"] == pytest.approx(0.4, abs=0.1)
    assert "Simpson's paradox" in found["against"]


def test_the_first_round_has_nothing_to_be_compared_with(session):
    study = plant_study(session)
    rate(session, plant_person(session, study, "ann"), [4, 5], 0)
    evaluate_round(session, close_batch(session, study))
    assert session.exec(select(Figure).where(Figure.section == "before_after")).all() == []
