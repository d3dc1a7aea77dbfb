"""What counts as shown, and which slate a rating or a click belongs to."""

import pytest

from db.engine import write_session
from recux.evaluation import rows
from recux.evaluation.exposure import exposures
from recux.evaluation.scope import live
from tests.evaluation.world import plant_interaction, plant_slate
from tests.planting import plant_person, plant_rating, plant_study


@pytest.fixture
def session(engine):
    with write_session(engine) as session:
        yield session


@pytest.fixture
def study(session):
    return plant_study(session, items=6)


def shown(session, study):
    scope = live(study)
    ratings, done = rows.ratings(session, scope), rows.interactions(session, scope)
    return exposures(rows.impressions(session, scope), ratings, done)


def test_items_of_a_slate_that_were_not_shown_are_left_out_unless_somebody_reacted(session, study):
    ann = plant_person(session, study, "ann")
    slate = plant_slate(session, ann, [1, 2, 3, 4], shown={1, 2})
    plant_rating(session, ann, 4, 5, slate_id=slate.id)
    assert shown(session, study)["item"].tolist() == [1, 2, 4]


def test_a_slate_that_does_not_say_what_was_shown_was_shown_whole(session, study):
    ann = plant_person(session, study, "ann")
    plant_slate(session, ann, [3, 1, 2])
    assert shown(session, study)["item"].tolist() == [3, 1, 2]


def test_a_slate_that_was_only_prepared_does_not_count(session, study):
    ann = plant_person(session, study, "ann")
    plant_slate(session, ann, [1, 2], day=0)
    plant_slate(session, ann, [3, 4], day=1, served=False)
    assert shown(session, study)["item"].tolist() == [1, 2]


def test_slates_of_a_log_without_times_count_once_somebody_reacted(session, study):
    ann = plant_person(session, study, "ann")
    plant_slate(session, ann, [1, 2], day=0, served=False)
    slate = plant_slate(session, ann, [3, 4], day=1, served=False)
    assert shown(session, study).empty
    plant_interaction(session, ann, 3, "click", slate=slate)
    assert shown(session, study)["item"].tolist() == [1, 2, 3, 4]


def test_a_rating_that_names_no_slate_belongs_to_the_last_one_served_before_it_with_the_item(session, study):
    ann, bob = plant_person(session, study, "ann"), plant_person(session, study, "bob")
    for day in (0, 2, 4):
        plant_slate(session, ann, [1, 2], day=day)
    plant_slate(session, bob, [1], day=2.5)
    plant_rating(session, ann, 1, 5, day=3)
    found = shown(session, study)
    rated = found[found["rating"].notna()]
    assert rated[["participant", "slate"]].to_numpy().tolist() == [[ann.id, found["slate"].unique()[1]]]


def test_clicks_and_purchases_land_on_their_impression(session, study):
    ann = plant_person(session, study, "ann")
    first, second = plant_slate(session, ann, [1, 2], day=0), plant_slate(session, ann, [2, 1], day=1)
    plant_interaction(session, ann, 2, "click", slate=first, day=2)
    plant_interaction(session, ann, 2, "purchase", day=2)  # names no slate: the last before it
    found = shown(session, study)
    assert found[found["clicked"]][["slate", "item"]].to_numpy().tolist() == [[first.id, 2]]
    assert found[found["purchased"]][["slate", "item"]].to_numpy().tolist() == [[second.id, 2]]


def test_a_slates_arm_counts_before_its_persons(session, study):
    ann = plant_person(session, study, "ann", arm_id=1)
    slate = plant_slate(session, ann, [1], arm_id=2)
    plant_rating(session, ann, 1, 5, slate_id=slate.id)
    plant_rating(session, ann, 2, 4)
    assert shown(session, study)["arm"].tolist() == ["b"]
    assert rows.ratings(session, live(study)).set_index("item")["arm"].to_dict() == {1: "b", 2: "a"}
