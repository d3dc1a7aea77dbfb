"""Who gets shown, and which good items stand low."""

import pytest
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import Impression, Item, Slate
from recux.insight import catalogue
from tests.planting import START, plant_person, plant_rating, plant_study


@pytest.fixture
def shop(engine):
    """Twenty items. Six people see the first four; the fourth, always last, gets five stars, the others two."""
    with write_session(engine) as session:
        study = plant_study(session, items=20, arms=("a",))
        items = list(session.exec(select(Item.id).order_by(Item.id)))[:4]
        for n in range(6):
            person = plant_person(session, study, f"p{n}", arm_id=1)
            slate = Slate(study_id=study.id, participant_id=person.id, external_id=f"s{n}", served_at=START)
            session.add(slate)
            session.flush()
            for position, item in enumerate(items, 1):
                session.add(Impression(slate_id=slate.id, item_id=item, position=position))
                plant_rating(session, person, item, 5 if position == 4 else 2, slate_id=slate.id)
    return study


def test_a_good_item_that_always_stands_last_is_found_once_enough_people_said_so(engine, shop):
    with read_session(engine) as session:
        (gem,) = catalogue.hidden_gems(session, shop, least=6).to_dict("records")
        assert catalogue.hidden_gems(session, shop, least=7).empty
    assert (gem["item"], gem["stars"], gem["people"], gem["position"], gem["low"], gem["shown"]) == (
        "Item 3",
        5,
        6,
        4,
        1,
        6,
    )


def test_a_fifth_of_the_catalogue_takes_every_place(engine, shop):
    with read_session(engine) as session:
        table = catalogue.exposure(session, shop).set_index("share_of_items")["share_of_places"]
    assert (table.iloc[0], table.iloc[2], table.iloc[4], table.iloc[-1]) == (0.0, 0.5, 1.0, 1.0)
