"""Pilots of other shapes than people of one arm each who rate a list: crossovers, surveys, people who never rate."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from db.engine import write_session
from db.tables import Arm, Impression, Participant, Rating, Round, Slate, Study, Suggestion
from recux.rounds.batches import close_batch
from recux.suggest import accept, implement, judge, propose
from recux.suggest.evidence import read_evidence
from recux.suggest.outcomes import reached
from tests.suggest.pilots import START, Pilot, placebo, store
from tests.suggest.plants.feedback import silent_cohort


def crossover(engine: sa.Engine, *, better: float, day: int, people: int = 60) -> Round:
    """Everybody rates five items of each arm, half of them arm b first; b adds `better`, the second list .4."""
    rng = np.random.default_rng(day)
    if day == 1:
        store(engine, placebo(people=1))  # the study, its items, and a first person
    with write_session(engine) as session:
        study = session.exec(sa.select(Study)).scalars().one()
        arms = session.exec(sa.select(Arm).order_by(Arm.id)).scalars().all()
        for number in range(people):
            _both(session, study, arms[:: 1 if number % 2 else -1], f"x{day}-{number}", better, day, rng)
        session.flush()
        round_ = close_batch(session, study)
        assert round_ is not None
        return round_


def _both(
    session: Session, study: Study, arms: Sequence[Arm], name: str, better: float, day: int, rng: np.random.Generator
) -> None:
    who = {"study_id": study.id, "cohort": ["amber", "birch"][int(name[-1]) % 3 == 0]}
    person = Participant(**who, external_id=name, arm_id=arms[0].id)
    session.add(person)
    session.flush()
    mood = rng.normal(0, 0.8)
    for period, arm in enumerate(arms):
        at = START + timedelta(days=day)
        mine = {"study_id": study.id, "participant_id": person.id}
        slate = Slate(**mine, arm_id=arm.id, external_id=f"{name}-{period}", source="imported", served_at=at)
        session.add(slate)
        session.flush()
        for position, item in enumerate(rng.choice(59, 5, replace=False) + 1, start=1):
            feel = 3.2 + mood + better * (arm.key == "b") + 0.4 * period + rng.normal(0, 0.6)
            session.add(Impression(slate_id=slate.id, item_id=int(item), position=position))
            key = f"{name}-{period}-{position}"
            stars = float(np.clip(np.floor(feel + 0.5), 1, 5))
            session.add(Rating(**mine, item_id=int(item), slate_id=slate.id, row_key=key, rating=stars, rated_at=at))


def rules_of(engine: sa.Engine, round_: Round) -> dict[str, Suggestion]:
    with write_session(engine) as session:
        return {s.rule: s for s in propose(session, session.get_one(Round, round_.id))}


def test_a_better_arm_of_a_crossover_is_found_within_people_and_confirmed(engine: sa.Engine) -> None:
    found = rules_of(engine, crossover(engine, better=0.6, day=1))
    better = found["arm_better"]
    assert better.metric == "mean_rating"
    assert better.figure["ci_low"] < 0.6 < better.figure["ci_high"]
    assert better.figure["ci_high"] - better.figure["ci_low"] < 0.4  # people differ by much more
    assert {"arm_worse", "arm_fails_segment", "arm_suits_segment"}.isdisjoint(found)
    with write_session(engine) as session:
        row = session.get_one(Suggestion, better.id)
        accept(session, row, actor="ada")
        implement(session, row, actor="ada")
    second = crossover(engine, better=0.6, day=30)
    with write_session(engine) as session:
        assert [s.verdict for s in judge(session, session.get_one(Round, second.id))] == ["confirmed"]


def test_arms_of_a_crossover_that_are_alike_are_no_suggestion(sqlite_engine: sa.Engine) -> None:
    found = rules_of(sqlite_engine, crossover(sqlite_engine, better=0.0, day=1))
    assert {s.category for s in found.values()} <= {"feedback"}  # nobody comments, and there is no questionnaire


def survey(better: float, seed: int = 0) -> Pilot:
    """Nobody rates; everybody says how likely they recommend it."""
    pilot = placebo(seed)
    pilot.study = {"primary_metric": "nps"}
    for row in pilot.shown:
        row["rated"] = False
    for row in pilot.answers:
        if row["instrument"] == "nps" and pilot.of(row)["arm"] == 1:
            row["value"] = min(10.0, row["value"] + better)
    return pilot


def test_arms_of_a_survey_alone_are_compared_and_judged(sqlite_engine: sa.Engine) -> None:
    first = store(sqlite_engine, survey(3))
    with write_session(sqlite_engine) as session:
        (better,) = propose(session, session.get_one(Round, first))
        assert (better.rule, better.metric) == ("arm_better", "nps")
        assert better.evidence["answers"]
        accept(session, better, actor="ada")
        implement(session, better, actor="ada")
    second = store(sqlite_engine, survey(3, seed=4), day=30)
    with write_session(sqlite_engine) as session:
        assert [s.verdict for s in judge(session, session.get_one(Round, second))] == ["confirmed"]


def test_a_cohort_that_recommends_less_is_found_in_a_survey_alone(sqlite_engine: sa.Engine) -> None:
    pilot = survey(0)
    for row in pilot.answers:
        if row["instrument"] == "nps" and pilot.of(row)["cohort"] == "cedar":
            row["value"] = max(0.0, row["value"] - 4)
    round_id = store(sqlite_engine, pilot)
    with write_session(sqlite_engine) as session:
        (low,) = propose(session, session.get_one(Round, round_id))
    assert (low.rule, low.metric, low.segment) == ("cohort_low", "nps", "cohort=cedar")
    assert low.title["en"].startswith("NPS of cohort cedar is ")
    assert low.predicted["value"] > 30
    assert low.evidence["answers"]


def test_a_survey_alone_without_problems_gets_no_suggestion(sqlite_engine: sa.Engine) -> None:
    round_id = store(sqlite_engine, survey(0))
    with write_session(sqlite_engine) as session:
        assert propose(session, session.get_one(Round, round_id)) == []


def test_a_cohort_that_answers_again_beside_a_control_is_confirmed(sqlite_engine: sa.Engine) -> None:
    pilot = placebo(0, people=240)
    silent_cohort(pilot, np.random.default_rng(0))
    first = store(sqlite_engine, pilot)
    with write_session(sqlite_engine) as session:
        row = next(s for s in propose(session, session.get_one(Round, first)) if s.rule == "cohort_does_not_answer")
        session.add(Arm(study_id=row.study_id, key="c", title="c"))
        session.flush()
        accept(session, row, actor="ada")
        implement(session, row, actor="ada", arm="c", control="a")
    then = placebo(7, people=360, arms=("a", "c"))
    silent_cohort(then, np.random.default_rng(7))
    for row in then.shown:
        row["rated"] |= then.of(row)["arm"] == 1
    second = store(sqlite_engine, then, day=30)
    with write_session(sqlite_engine) as session:
        assert [s.verdict for s in judge(session, session.get_one(Round, second))] == ["confirmed"]


def test_people_who_left_before_a_change_do_not_count_after_it(engine: sa.Engine) -> None:
    pilot = placebo(0, people=40)
    for row in pilot.shown:
        row["rated"] = row["person"] % 2 == 0
    store(engine, pilot)
    second = store(engine, placebo(1, people=40), day=30)
    with write_session(engine) as session:
        e = read_evidence(session, session.get_one(Round, second), rounds=(2, 2))
        assert (reached(e, "shown") & ~reached(e, "rated")).sum() == 0
        assert reached(e, "rated_all").sum() == 40
        everything = read_evidence(session, session.get_one(Round, second), rounds=(1, 2))
        assert (reached(everything, "shown") & ~reached(everything, "rated")).sum() == 20


@pytest.mark.parametrize(("target", "missed"), [(0.02, True), (0.5, False)])
def test_failures_beyond_their_objective_are_a_suggestion(sqlite_engine, target: float, missed: bool) -> None:
    pilot = placebo(0, arms=("a",))
    pilot.study = {"objectives": {"failure_rate": target}}
    for number, row in enumerate(pilot.requests):
        row["failed"] = number % 5 == 0
    round_id = store(sqlite_engine, pilot)
    with write_session(sqlite_engine) as session:
        found = propose(session, session.get_one(Round, round_id))
    assert [(s.rule, s.metric) for s in found] == ([("objective_missed", "failure_rate")] if missed else [])
    assert all(len(s.evidence["requests"]) == 32 for s in found)
