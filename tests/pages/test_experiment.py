"""The experiment page: the verdict in words, what must not get worse, groups, and looking while it runs."""

import sqlalchemy as sa
from sqlmodel import select

from db.engine import read_session, write_session
from db.queries import arms_of
from db.tables import Item, Participant, Study
from recux.insight import experiment
from tests.pages.planted import plant_pilot, texts
from tests.planting import plant_person, plant_rating, plant_study


def test_the_experiment_page_gives_a_verdict_in_words(open_as, pilot) -> None:
    shown = texts(open_as("viewer", "experiment"))
    assert "B is better than A" in shown
    assert "A: 12 · B: 12" in shown.replace("\\", "").replace("\u2060", "")


def test_one_arm_has_nothing_to_compare(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, arms=("only",))
    assert "nothing to compare" in texts(open_as("viewer", "experiment"))


def test_a_promise_that_an_arm_breaks_is_a_guardrail(open_as, pilot) -> None:
    shown = texts(open_as("viewer", "experiment")).replace("\\", "").replace("\u2060", "")
    assert "B has 290 ms, at most 250 ms was promised" in shown


def test_before_anybody_answered_it_is_said_what_to_do(open_as, empty) -> None:
    assert "Nobody has given the answer that decides" in texts(open_as("viewer", "experiment"))


def test_while_a_planned_pilot_runs_one_early_look_decides_nothing(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        plant_pilot(session).planned_n = 50
    shown = texts(open_as("viewer", "experiment"))
    assert "Still running: 12 of 50 people per arm" in shown
    assert "Cannot tell yet whether B differs from A" in shown
    assert "Monitoring starts at 30" in shown


def test_while_it_runs_the_interval_is_wider_and_the_planned_number_ends_that(sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        study = plant_pilot(session, people=80)
        study.planned_n = 100
    with read_session(sqlite_engine) as session:
        running = experiment.now(session, study)
        done = experiment.now(session, study.model_copy(update={"planned_n": 40}))
    assert (running.running, done.running) == (True, False)
    early, late = (one.primary[0].difference for one in (running, done))
    assert early.value == late.value
    assert early.ci_high - early.ci_low > 1.3 * (late.ci_high - late.ci_low)


def test_groups_are_compared_only_when_they_are_large_enough(sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        study = plant_pilot(session, people=40)
        session.exec(sa.update(Participant).where(Participant.id <= 16).values(cohort="old"))
        session.exec(sa.update(Participant).where(Participant.id > 36).values(cohort="few"))
    with read_session(sqlite_engine) as session:
        found = experiment.now(session, session.get_one(Study, study.id)).segments
    assert found.loc[found["dimension"] == "cohort", ["group", "n"]].to_numpy().tolist() == [["new", 20], ["old", 16]]
    assert set(found.loc[found["dimension"] == "category", "group"]) == {"c0", "c1"}
    assert (found["p_adjusted"] >= 0).all()


def test_an_open_verdict_says_how_many_more_people_would_tell(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        study = plant_study(session)
        item, arms = session.exec(select(Item.id)).first(), [arm.id for arm in arms_of(session, study.id)]
        for n in range(20):
            person = plant_person(session, study, f"p{n}", arm_id=arms[n % 2])
            plant_rating(session, person, item, 1 + (n // 2) % 5)
    shown = texts(open_as("viewer", "experiment"))
    assert "more people per arm would be needed to tell" in shown
    assert "No sample size was planned" in " ".join(c.value for c in open_as("viewer", "experiment").caption)
