"""The comments page: search, and what is masked."""

from sqlmodel import select

from db.engine import write_session
from db.tables import Participant
from tests.pages.planted import audited, field, texts


def test_comments_are_masked_and_searched(open_as, pilot) -> None:
    at = open_as("viewer", "comments")
    assert "call me: [number]" in set(at.dataframe[0].value["comment"])
    assert not [toggle for toggle in at.toggle if toggle.label.startswith("Show e-mail")]
    found = at.text_input(key="search").set_value("SLOW").run().dataframe[0].value
    assert len(found) == 24
    assert not at.text_input(key="search").set_value("nobody-said-this").run().dataframe


def test_only_an_admin_may_see_what_was_masked_and_the_log_says_who_looked(open_as, sqlite_engine, pilot) -> None:
    at = open_as("admin", "comments")
    field(at.toggle, "Show e-mail").set_value(True).run()
    assert "call me: 0151 2345 6789" in set(at.dataframe[0].value["comment"])
    assert audited(sqlite_engine).count("comments.raw") == 1


def test_a_group_of_too_few_people_is_not_shown(open_as, sqlite_engine, pilot) -> None:
    with write_session(sqlite_engine) as session:
        for person in session.exec(select(Participant).limit(3)):
            person.cohort = "rare"
            session.add(person)
    at = open_as("viewer", "comments")
    field(at.selectbox, "Cohort").set_value("rare").run()
    assert "Fewer than 5 people are left" in texts(at)
    assert not at.dataframe
