"""What the models learn from is what was known, of people who count, and never the future."""

from datetime import timedelta

import pytest
from sqlmodel import select

from db.engine import write_session
from db.tables import Impression, Interaction, Slate, now
from recux.evaluation.scope import live
from recux.evaluation.snapshot import snapshot
from recux.rounds import close_batch
from recux.rounds.examples import examples_of, request_examples
from tests.evaluation.world import plant_interaction, plant_request, plant_slate
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study


@pytest.fixture
def session(engine):
    with write_session(engine) as session:
        yield session


def by_key(examples):
    return {example.key: example for example in examples}


def test_a_rating_sees_only_what_was_rated_strictly_before_it(session):
    study = plant_study(session)
    ann = plant_person(session, study, "ann", cohort="new")
    said = [(1, 5, 1), (2, 1, 2), (3, 3, 2)]
    ratings = [plant_rating(session, ann, item, stars, day=day) for item, stars, day in said]
    close_batch(session, study)
    examples = by_key(examples_of(session, study, 1).rating)
    first, second, third = (examples[f"rating-{rating.id}"] for rating in ratings)
    assert first.pair.earlier == ()
    assert second.pair.earlier == third.pair.earlier == (5.0,)  # at the same moment neither knows the other
    assert "Item 0" in second.pair.participant_text
    assert "Item 0" not in first.pair.participant_text


def test_only_the_last_revision_inside_the_batches_teaches(session):
    study = plant_study(session)
    ann = plant_person(session, study, "ann")
    old = plant_rating(session, ann, 1, 2, row_key="k", comment="meh")
    close_batch(session, study)
    old.current = False
    session.add(old)
    session.flush()
    plant_rating(session, ann, 1, 5, row_key="k", comment="great")
    close_batch(session, study)
    assert [(e.rating, e.round) for e in examples_of(session, study, 1).rating] == [(2.0, 1)]
    assert [(e.rating, e.round) for e in examples_of(session, study, 2).rating] == [(5.0, 2)]
    assert [e.text for e in examples_of(session, study, 2).satisfaction] == ["great"]


def test_a_withdrawn_person_leaves_every_later_training_set(session):
    study = plant_study(session)
    ann, bob = (plant_person(session, study, name) for name in ("ann", "bob"))
    for person in (ann, bob):
        plant_rating(session, person, 1, 4, comment="fine")
        plant_answers(session, person, "csat", score=4, why="works")
    close_batch(session, study)
    ann.withdrawn_at = now()
    session.add(ann)
    session.flush()
    left = examples_of(session, study, 1)
    assert {e.participant for e in left.satisfaction} == {"bob"}
    assert {e.pair.participant for e in (*left.rating, *left.behaviour)} == {"bob"}


def test_a_why_is_labelled_by_the_csat_beside_it_and_the_nps_group(session):
    study = plant_study(session)
    ann = plant_person(session, study, "ann")
    plant_answers(session, ann, "nps", score=9, why="love it")
    plant_answers(session, ann, "csat", score=5, why="quick")
    bob = plant_person(session, study, "bob")
    plant_answers(session, bob, "nps", score=7, why="it is a thing")
    close_batch(session, study)
    said = {e.text: (e.satisfaction, e.recommend) for e in examples_of(session, study, 1).satisfaction}
    assert said == {"love it": (5.0, True), "quick": (5.0, None)}  # a passive without a CSAT has no label


def test_an_impression_carries_its_position_and_what_followed(session):
    study = plant_study(session)
    ann = plant_person(session, study, "ann")
    plant_rating(session, ann, 1, 4)
    slate = Slate(study_id=study.id, participant_id=ann.id, external_id="s", served_at=START)
    session.add(slate)
    session.flush()
    session.add_all(Impression(slate_id=slate.id, item_id=item, position=item) for item in (1, 2))
    click = {"study_id": study.id, "participant_id": ann.id, "slate_id": slate.id, "occurred_at": START}
    session.add(Interaction(item_id=2, kind="click", row_key="c", **click))
    session.flush()
    close_batch(session, study)
    behaviour = examples_of(session, study, 1).behaviour
    assert [(e.pair.position, e.click, e.purchase) for e in behaviour] == [(1, False, None), (2, True, None)]


@pytest.fixture
def shop(session):
    """Five people with slates of four items each, who clicked one each; not one slate yet."""
    study = plant_study(session, arms=("only",))
    people = [plant_person(session, study, f"p{number}") for number in range(5)]
    for person in people:
        plant_answers(session, person, "csat", score=4)
    return study, people


def click_rate_and_examples(session, study):
    """What the report says of clicks, and what the behaviour model learns from."""
    close_batch(session, study)
    scope = live(study)
    found = snapshot(session, study, scope).recommendation()["ctr"]
    examples = examples_of(session, study, 1).behaviour
    return found.value, [e.click for e in examples]


@pytest.mark.parametrize("named", [5, 2, 0])
def test_a_click_that_names_no_slate_teaches_what_the_click_rate_counts(session, shop, named):
    study, people = shop
    for number, person in enumerate(people):
        slate = plant_slate(session, person, [1, 2, 3, 4])
        plant_interaction(session, person, 2, "click", slate=slate if number < named else None, day=1)
    rate, clicks = click_rate_and_examples(session, study)
    assert (rate, sum(clicks), len(clicks)) == (0.25, 5, 20)


def test_impressions_of_a_log_without_times_teach_and_know_nothing_that_came_later(session, shop):
    study, people = shop
    for person in people:
        slate = plant_slate(session, person, [1, 2, 3, 4], served=False)
        plant_interaction(session, person, 2, "click", slate=slate, day=1)
        plant_rating(session, person, 2, 5, day=2, slate_id=slate.id)
    rate, clicks = click_rate_and_examples(session, study)
    assert (rate, sum(clicks), len(clicks)) == (0.25, 5, 20)
    examples = examples_of(session, study, 1).behaviour
    assert {(e.pair.earlier, e.round) for e in examples} == {((), 1)}


def test_items_that_nobody_saw_are_no_examples(session, shop):
    study, people = shop
    for person in people:
        slate = plant_slate(session, person, [1, 2, 3, 4], shown={1, 2})
        plant_interaction(session, person, 2, "click", slate=slate, day=1)
    rate, clicks = click_rate_and_examples(session, study)
    assert (rate, sum(clicks), len(clicks)) == (0.5, 5, 10)


def test_a_click_after_the_batch_was_closed_teaches_the_next_round(session, shop):
    study, people = shop
    slates = [plant_slate(session, person, [1, 2, 3, 4]) for person in people]
    plant_interaction(session, people[0], 1, "click", slate=slates[0], day=1)
    close_batch(session, study)
    late = plant_interaction(session, people[1], 1, "click", slate=slates[1])
    late.occurred_at = now() + timedelta(hours=1)
    session.add(late)
    session.flush()
    assert sum(e.click for e in examples_of(session, study, 1).behaviour) == 1


def test_the_position_is_where_it_was_shown_though_the_click_rate_counts_by_rank(session, shop):
    study, people = shop
    slate = plant_slate(session, people[0], [1, 2])
    for impression, rank in zip(session.exec(select(Impression).order_by(Impression.id)), (2, 1), strict=True):
        impression.rank = rank
        session.add(impression)
    session.flush()
    plant_interaction(session, people[0], 2, "click", slate=slate, day=1)
    close_batch(session, study)
    behaviour = examples_of(session, study, 1).behaviour
    assert [(e.pair.item, e.pair.position, e.click) for e in behaviour] == [("i0", 1, False), ("i1", 2, True)]


def test_a_call_has_the_most_common_category_of_the_list_it_made(session, shop):
    study, people = shop
    slate, even = (plant_slate(session, people[0], items, day=items[0]) for items in ([1, 2, 3], [2, 1, 4, 3]))
    for number, slate_id in enumerate((slate.id, even.id, None)):
        plant_request(session, study, number, 100, slate_id=slate_id)
    close_batch(session, study)
    assert [e.category for e in request_examples(session, study, 1)] == ["c0", "c0", ""]
