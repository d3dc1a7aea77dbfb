"""The effect page: figures of the lists."""

import sqlalchemy as sa
from sqlmodel import select

from db.engine import write_session
from db.tables import Impression, Interaction, Slate, Study
from tests.pages.planted import charts_on, texts
from tests.planting import START


def test_the_effect_page_shows_figures_of_the_lists(open_as, pilot) -> None:
    at = open_as("viewer", "effect")
    assert charts_on(at) == 1  # by round there is nothing yet
    assert "Precision" in texts(at)


def test_the_catalogue_and_newcomers_have_their_own_address(open_as, pilot) -> None:
    assert "takes" in texts(open_as("viewer", "effect", view="catalogue"))
    assert charts_on(open_as("viewer", "effect", view="newcomers")) == 2 + 1
    assert "lower half of its lists" in texts(open_as("viewer", "effect", view="hidden"))


def test_figures_of_arms_that_are_too_small_are_not_even_in_the_headline(open_as, sqlite_engine, pilot) -> None:
    with write_session(sqlite_engine) as session:
        places = session.exec(select(Slate.participant_id, Impression.item_id).join(Impression)).all()
        for number, (person, item) in enumerate(places[::3]):
            done = {"kind": "click", "occurred_at": START, "row_key": f"c{number}"}
            session.add(Interaction(study_id=pilot.id, participant_id=person, item_id=item, **done))
    assert open_as("viewer", "effect").title[0].value.startswith("Click")
    with write_session(sqlite_engine) as session:
        session.exec(sa.update(Study).values(min_group=50))
    at = open_as("viewer", "effect")
    assert at.title[0].value == "What do people do with the recommendations?"
    assert "No arm has enough" in texts(at)
