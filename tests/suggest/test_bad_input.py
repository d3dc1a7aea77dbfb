"""Pilots and rounds that lack something: nothing is suggested, or judged, that their data cannot support."""

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import col

from db.engine import write_session
from db.tables import Arm, Participant, Round, Suggestion
from recux.errors import Conflict
from recux.suggest import accept, implement, judge, propose, try_as_arm
from tests.suggest.pilots import START, Plant, nothing, placebo, proposals, store
from tests.suggest.plants.segments import cohort_dislikes
from tests.suggest.plants.slates import weak_tail


def one_arm(pilot, rng):
    pilot.arms = ("a",)
    for person in pilot.people:
        person["arm"] = 0


def one_cohort(pilot, rng):
    for person in pilot.people:
        person["cohort"] = "amber"


def no_cohorts(pilot, rng):
    for person in pilot.people:
        person.update(cohort=None, language=None, attributes={})


def no_comments(pilot, rng):
    for row in pilot.shown:
        row["comment"] = None


def unknown_language(pilot, rng):
    for row in pilot.shown:
        row["comment"] = str(rng.choice(["ราคาแพงเกินไป", "ძალიან ძვირია", "በጣም ውድ ነው"]))


def no_words(pilot, rng):
    for row in pilot.shown:
        row["comment"] = str(rng.choice(["\U0001f600", "!!!", "   ", "12345", "\n"]))


def all_alike(pilot, rng):
    for row in pilot.shown:
        row["feel"] = 4.0


def no_answers(pilot, rng):
    pilot.answers, pilot.requests = [], []


def only_answers(pilot, rng):
    for row in pilot.shown:
        row["rated"] = False


ODD = {
    one_arm: set(),
    one_cohort: set(),
    no_cohorts: set(),
    no_comments: {"few_comments"},
    unknown_language: set(),
    no_words: set(),
    all_alike: {"question_says_nothing"},
    no_answers: set(),
    only_answers: set(),
}
"""What may be said of each odd pilot: nothing but a count of what is odd about it."""


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_pilot_is_suggested_nothing_that_its_data_cannot_support(sqlite_engine: sa.Engine, odd: Plant) -> None:
    assert {s.rule for s in proposals(sqlite_engine, odd)} == ODD[odd]


def test_a_round_of_people_who_all_withdrew_is_suggested_nothing(sqlite_engine: sa.Engine) -> None:
    round_id = store(sqlite_engine, placebo(0))
    with write_session(sqlite_engine) as session:
        session.exec(sa.update(Participant).values(withdrawn_at=START))
    with write_session(sqlite_engine) as session:
        assert propose(session, session.get_one(Round, round_id)) == []


def test_a_first_round_has_nothing_to_judge(sqlite_engine: sa.Engine) -> None:
    round_id = store(sqlite_engine, placebo(0))
    with write_session(sqlite_engine) as session:
        assert judge(session, session.get_one(Round, round_id)) == []


def taken_up(engine: sa.Engine, plant: Plant, rule: str, **how: str) -> None:
    """A first round whose suggestion of this rule is accepted and put in place; `how` names the arms."""
    found = {s.rule: s.id for s in proposals(engine, plant)}
    with write_session(engine) as session:
        row = session.get_one(Suggestion, found[rule])
        if how:
            session.add(Arm(study_id=row.study_id, key=how["arm"], title=how["arm"]))
            session.flush()
        accept(session, row, actor="ada")
        implement(session, row, actor="ada", **how)


def judged(engine: sa.Engine, plant: Plant, arms: tuple[str, ...]) -> list[str | None]:
    """Verdicts of a second round of new people."""
    pilot = placebo(7, arms=arms)
    plant(pilot, np.random.default_rng(7))
    round_id = store(engine, pilot, day=30)
    with write_session(engine) as session:
        return [s.verdict for s in judge(session, session.get_one(Round, round_id))]


@pytest.mark.parametrize("how", [{"arm": "c", "control": "a"}, {}], ids=["beside a control", "without one"])
def test_a_segment_that_is_gone_is_inconclusive(sqlite_engine: sa.Engine, how: dict[str, str]) -> None:
    taken_up(sqlite_engine, cohort_dislikes, "group_dislikes_category", **how)
    assert judged(sqlite_engine, one_cohort, ("a", "c") if how else ("a", "b")) == ["inconclusive"]


def test_an_arm_that_is_gone_is_inconclusive(sqlite_engine: sa.Engine) -> None:
    taken_up(sqlite_engine, cohort_dislikes, "group_dislikes_category", arm="c", control="a")
    with write_session(sqlite_engine) as session:
        session.exec(sa.delete(Arm).where(col(Arm.key) == "c"))
    assert judged(sqlite_engine, one_cohort, ("a", "b")) == ["inconclusive"]


def test_what_everybody_it_was_found_in_withdrew_from_is_inconclusive(sqlite_engine: sa.Engine) -> None:
    taken_up(sqlite_engine, cohort_dislikes, "group_dislikes_category")
    with write_session(sqlite_engine) as session:
        session.exec(sa.update(Participant).values(withdrawn_at=START))
    assert judged(sqlite_engine, nothing, ("a", "b")) == ["inconclusive"]


def test_a_round_without_ratings_judges_nothing_to_be_true(sqlite_engine: sa.Engine) -> None:
    taken_up(sqlite_engine, cohort_dislikes, "group_dislikes_category", arm="c", control="a")
    assert judged(sqlite_engine, only_answers, ("a", "c")) == ["inconclusive"]


def test_an_arm_cannot_be_tried_beside_a_control_that_is_gone(sqlite_engine: sa.Engine) -> None:
    found = {s.rule: s.id for s in proposals(sqlite_engine, weak_tail)}
    with write_session(sqlite_engine) as session:
        row = session.get_one(Suggestion, found["tail_disappoints"])
        row.predicted = {**row.predicted, "plan": {"control": "gone"}}
        with pytest.raises(Conflict, match="gone"):
            try_as_arm(session, row, actor="ada")
