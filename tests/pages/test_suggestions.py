"""The suggestions page: evidence and decisions."""

import sqlalchemy as sa

from db.engine import read_session, write_session
from db.tables import (
    Suggestion,
)
from tests.pages.planted import audited, press, texts


def test_a_suggestion_shows_evidence_and_what_speaks_against_it(open_as, finished) -> None:
    at = open_as("viewer", "suggestions")
    shown = texts(at)
    assert "time of day" in shown
    assert "one of 9 comparisons" in shown
    assert [m.value for m in at.metric] == ["-0.40", "+0.30"]
    assert len(at.dataframe[0].value) == 5
    assert not at.button, "a viewer decides nothing"


def test_accepting_freezes_and_then_the_change_is_put_in_place(open_as, sqlite_engine, finished) -> None:
    at = press(open_as("analyst", "suggestions"), "Accept")
    assert "frozen" in texts(at)
    press(at, "The change is in place")
    with read_session(sqlite_engine) as session:
        assert session.get_one(Suggestion, finished.id).status == "implemented"
    assert audited(sqlite_engine) == ["suggestion.accepted", "suggestion.implemented"]


def test_declining_keeps_the_reason(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "suggestions")
    at.text_input(key=f"why-{finished.id}").set_value("too dear")
    press(at, "Decline")
    with read_session(sqlite_engine) as session:
        assert session.get_one(Suggestion, finished.id).status == "declined"
        reason = session.exec(sa.text("select payload from suggestion_event where kind = 'declined'")).one()[0]
    assert "too dear" in str(reason)


def test_a_decision_that_somebody_else_took_meanwhile_is_said(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "suggestions")
    with write_session(sqlite_engine) as session:
        session.get_one(Suggestion, finished.id).status = "judged"
    shown = texts(press(at, "Accept"))
    assert "judged" in shown
