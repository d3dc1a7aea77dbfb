"""Two lists a person, one of each arm, in an order that is balanced, kept and recorded."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import write_session
from db.tables import Arm, Impression, Item, Participant, Slate, Study
from recux.collect.assignment import assign_arm, assign_everyone
from recux.collect.progress import go_past, next_step, steps
from recux.collect.ratings import save_rating
from recux.collect.responses import answers_of, complete_response, save_answer
from recux.collect.slates import current_slate, slate_for
from recux.collect.studies import launch_study
from recux.errors import Conflict, InvalidInput
from recux.evaluation import rows
from recux.evaluation.scope import live
from recux.instruments import load
from tests.collect.people import click_marks, plant_consented
from tests.planting import plant_person, plant_study


def crossed(session: Session, **fields) -> Study:
    options = {"instruments": ["nps", "csat"], "slate_size": 2} | fields
    study = plant_study(session, arms=("a", "b"), **options)
    study.design, study.per_list = "crossover", ["csat"]
    for arm in session.exec(select(Arm)):
        arm.source = "popularity"
    session.flush()
    return study


def person_in(session: Session, study: Study) -> Participant:
    person = plant_consented(session)
    session.exec(sa.delete(Slate))  # the planted list: here, lists are made
    return person


def test_as_many_people_meet_a_before_b_as_b_before_a(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        study = crossed(session)
        people = [plant_person(session, study, f"p{n}") for n in range(20)]
        first = [assign_arm(session, person).key for person in people]
        second = [assign_arm(session, person, period=2).key for person in people]
    assert first.count("a") == first.count("b") == 10
    assert all({one, two} == {"a", "b"} for one, two in zip(first, second, strict=True))


def test_people_assigned_at_the_launch_have_an_order_too(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        study = crossed(session)
        plant_person(session, study, "early")
        assign_everyone(session, study)
        person = session.exec(select(Participant)).one()
        assert {person.arm_id, person.second_arm_id} == set(session.exec(select(Arm.id)))


def test_the_two_lists_are_of_two_arms_with_other_items_and_their_periods_are_recorded(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = person_in(session, crossed(session))
        shown = [slate_for(session, person, period=period) for period in (1, 2)]
        again = [slate_for(session, person, period=period) for period in (1, 2)]
        assert [one.slate.id for one in again] == [one.slate.id for one in shown]
        assert [one.slate.period for one in shown] == [1, 2]
        assert [one.slate.arm_id for one in shown] == [person.arm_id, person.second_arm_id]
        assert not {c.item.id for c in shown[0].cards} & {c.item.id for c in shown[1].cards}


def test_a_study_of_one_list_has_no_second(engine: sa.Engine) -> None:
    with write_session(engine) as session, pytest.raises(Conflict, match="no period 2"):
        slate_for(session, plant_consented(session), period=2)


def test_what_is_asked_per_list_is_answered_twice_and_kept_apart(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = person_in(session, crossed(session))
        met = []
        for value in (2, 5):
            slate_for(session, person, period=len(met) // 2 + 1)
            met.append(next_step(session, person).key)
            go_past(session, person, next_step(session, person))
            step = next_step(session, person)
            met.append(step.key)
            save_answer(session, person, load("csat"), "score", value=value, wave=step.period)
            complete_response(session, person, load("csat"), language="en", wave=step.period)
        assert met == ["rate/1", "survey/csat/1", "rate/2", "survey/csat/2"]
        assert next_step(session, person).key == "survey/nps/1"
        kept = [answers_of(session, person, "csat", wave=wave)["score"].value for wave in (1, 2)]
        assert kept == [2, 5]


def test_only_what_may_stay_open_can_be_gone_past(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = person_in(session, crossed(session))
        survey = next(step for step in steps(session, person) if step.name == "survey")
        with pytest.raises(InvalidInput, match="cannot be left out"):
            go_past(session, person, survey)


def test_not_for_me_settles_an_item_and_taking_it_back_opens_it_again(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        first, second, third = (card.impression for card in slate_for(session, person).cards)
        save_rating(session, person, first, rating=3)
        click_marks(session, person, second, {"dismiss", "know"})
        click_marks(session, person, third, {"dismiss"})
        assert next_step(session, person).name == "survey"
        click_marks(session, person, second, {"know"})
        rate = next(step for step in steps(session, person) if step.name == "rate")
        assert (rate.done, rate.total, rate.complete) == (2, 3, False)


def test_shown_positions_are_drawn_and_the_recommenders_ranks_are_kept(engine: sa.Engine) -> None:
    orders = set()
    with write_session(engine) as session:
        plant_study(session, slate_size=3).shuffle = True
        for n in range(12):
            person = plant_consented(session, f"p{n}")
            slate = slate_for(session, person).slate
            rows = session.exec(
                select(Impression).where(Impression.slate_id == slate.id).order_by(col(Impression.position))
            )
            ranks = [row.rank for row in rows]
            assert sorted(ranks) == [1, 2, 3]
            orders.add(tuple(ranks))
            again = current_slate(session, person)
            assert again is not None
            assert [card.impression.rank for card in again.cards] == ranks
    assert len(orders) > 2


def test_figures_of_the_order_are_about_the_recommenders_order_and_not_the_drawn_one(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        study = plant_study(session, slate_size=3)
        study.shuffle = True
        for n in range(6):
            slate_for(session, plant_consented(session, f"p{n}"))
        read = rows.impressions(session, live(study))
        drawn = {one.id for one in session.exec(select(Impression)) if one.rank != one.position}
        assert drawn  # the lots did change something
        imported = [item.id for item in session.exec(select(Item).order_by(col(Item.id)).limit(3))]
        assert all(found["item"].tolist() == imported for _, found in read.sort_values("position").groupby("slate"))


def test_a_crossover_study_with_three_arms_cannot_be_launched(sqlite_engine: sa.Engine) -> None:
    with write_session(sqlite_engine) as session:
        study = crossed(session)
        study.status = "draft"
        session.add(Arm(study_id=study.id, key="c", title="C", source="popularity"))
        session.flush()
        with pytest.raises(Conflict, match="has 3 arms"):
            launch_study(session, study)


def test_without_drawing_there_is_no_rank_beside_the_position(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        cards = slate_for(session, plant_consented(session)).cards
        assert [(card.impression.position, card.impression.rank) for card in cards] == [(1, None), (2, None), (3, None)]
