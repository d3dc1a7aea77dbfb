"""What the models learn from is what was known, of people who count, and never the future."""

import pytest

from db.engine import write_session
from db.tables import Interaction, Slate, now
from recux.rounds import close_batch
from recux.rounds.examples import examples_of
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study


@pytest.fixture
def session(sqlite_engine):
    with write_session(sqlite_engine) as session:
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
    from db.tables import Impression

    session.add_all(Impression(slate_id=slate.id, item_id=item, position=item) for item in (1, 2))
    click = {"study_id": study.id, "participant_id": ann.id, "slate_id": slate.id, "occurred_at": START}
    session.add(Interaction(item_id=2, kind="click", row_key="c", **click))
    session.flush()
    close_batch(session, study)
    behaviour = examples_of(session, study, 1).behaviour
    assert [(e.pair.position, e.click, e.purchase) for e in behaviour] == [(1, False, None), (2, True, None)]
