"""The studies page: from a template to a launch, and its end."""

import sqlalchemy as sa
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import (
    Arm,
    Item,
    Study,
)
from tests.pages.planted import audited, field, press, texts
from tests.planting import plant_study


def test_an_admin_creates_a_study_from_a_template_and_launches_it(open_as, sqlite_engine) -> None:
    at = open_as("admin", "studies")
    field(at.text_input, "Title").set_value("Spring pilot")
    field(at.text_input, "Short name").set_value("spring")
    press(at, "Create as a draft")
    with write_session(sqlite_engine) as session:
        study = session.exec(select(Study)).one()
        assert (study.slug, study.status, study.domain) == ("spring", "draft", "content")
        session.add(Item(study_id=study.id, external_id="i", title="I"))
    press(open_as("admin", "studies"), "Launch")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Study.status)).one() == "live"
    assert audited(sqlite_engine) == ["study.create", "study.launch_study"]


def test_a_study_that_makes_no_sense_is_refused_in_words(open_as, sqlite_engine) -> None:
    at = open_as("admin", "studies")
    field(at.text_input, "Short name").set_value("No Good!")
    assert "cannot name a study" in texts(press(at, "Create as a draft")).replace("\\", "").replace("\u2060", "")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Study)).all() == []


def test_a_study_without_items_cannot_be_launched(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, items=0).status = "draft"
        session.exec(sa.update(Arm).values(source="popularity"))
    at = open_as("admin", "studies")
    assert next(button for button in at.button if button.label == "Launch").disabled


def test_closing_a_study_asks_first(open_as, sqlite_engine, empty) -> None:
    at = open_as("admin", "studies")
    assert next(button for button in at.button if button.label == "Close the study").disabled
    at.checkbox[0].check().run()
    press(at, "Close the study")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Study.status)).one() == "closed"
