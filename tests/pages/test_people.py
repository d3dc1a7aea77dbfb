"""The people page: the way from invite to the end, and invite links."""

from sqlmodel import col, select

from db.engine import read_session
from db.tables import (
    Participant,
)
from tests.pages.planted import charts_on, field, press


def test_an_admin_makes_invite_links_that_work(open_as, sqlite_engine, empty) -> None:
    at = open_as("admin", "people")
    field(at.number_input, "How many").set_value(3)
    press(at, "Make invite links")
    links = at.dataframe[0].value["link"]
    assert len(links) == 3
    assert all("/join/" in link for link in links)
    with read_session(sqlite_engine) as session:
        assert len(session.exec(select(Participant).where(col(Participant.invite_hash).is_not(None))).all()) == 3


def test_people_are_counted_on_their_way(open_as, pilot) -> None:
    at = open_as("viewer", "people")
    assert charts_on(at) == 1
    assert not at.button
    assert at.toggle(key="care").set_value(True).run().dataframe[0].value["people"].sum() >= 0
