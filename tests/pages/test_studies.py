"""The studies page: from a template to a launch, its settings, and its end."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from db.engine import read_session, write_session
from db.tables import Arm, Audit, ConsentText, Item, Participant, Study
from recux.collect import study_life
from recux.errors import Conflict
from tests.pages.planted import audited, field, press, texts
from tests.planting import plant_person, plant_study


def study_now(engine: sa.Engine, slug: str = "shop") -> Study:
    with read_session(engine) as session:
        return session.exec(select(Study).where(Study.slug == slug)).one()


def make_ready(session: Session, study: Study) -> None:
    study.status = "draft"
    session.exec(sa.update(Arm).values(source="popularity"))
    session.add_all(ConsentText(study_id=study.id, language=code, text="?") for code in study.languages)


@pytest.fixture
def draft(sqlite_engine: sa.Engine) -> Study:
    with write_session(sqlite_engine) as session:
        study = plant_study(session)
        make_ready(session, study)
        return study


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
    assert study_now(sqlite_engine, "spring").status == "live"
    assert audited(sqlite_engine) == ["study.create", "study.launch"]


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
    assert "(needed)" in texts(at)


def test_before_the_launch_it_is_said_what_the_pilot_can_see(open_as, sqlite_engine, draft) -> None:
    with write_session(sqlite_engine) as session:
        session.get_one(Study, draft.id).planned_n = 20
    shown = texts(open_as("viewer", "studies")).replace("\\", "").replace("\u2060", "")
    assert "With 20 people per arm, this pilot can see a difference of 0.53 or more in Mean rating" in shown
    assert "seeing it takes 142 people per arm" in shown


def test_a_soft_launch_ends_with_its_answers_discarded(open_as, sqlite_engine, draft) -> None:
    at = open_as("admin", "studies")
    field(at.number_input, "People who may take part").set_value(3)
    press(at, "Begin the soft launch")
    assert study_now(sqlite_engine).soft_limit == 3
    with write_session(sqlite_engine) as session:
        plant_person(session, draft, "p1", finished_at=draft.created_at)
    press(open_as("admin", "studies"), "Discard and open")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Participant.rejected_for)).one() == "soft_launch"
    assert study_now(sqlite_engine).soft_limit is None
    assert audited(sqlite_engine) == ["study.soft_launch", "study.soft_launch.discard"]


def test_a_study_is_paused_closed_put_away_and_copied(open_as, sqlite_engine, draft) -> None:
    with write_session(sqlite_engine) as session:
        session.get_one(Study, draft.id).status = "live"
    at = open_as("admin", "studies")
    for label, status in (("Pause", "paused"), ("Resume", "live"), ("Close the study", "closed")):
        press(at, label)
        assert study_now(sqlite_engine).status == status
    press(at, "Put away")
    assert study_now(sqlite_engine).archived_at is not None
    field(at.text_input, "Short name of the copy").set_value("shop-2").run()
    press(at, "Make the copy")
    assert study_now(sqlite_engine, "shop-2").status == "draft"
    assert at.sidebar.selectbox[0].options == ["Shop (copy)"], "what was put away is no longer offered"


def test_settings_are_changed_and_the_log_names_them(open_as, sqlite_engine, draft) -> None:
    at = open_as("admin", "studies")
    at.text_input(key="shop-1-title").set_value("New name")
    at.number_input(key="shop-1-min_group").set_value(8)
    press(at, "Save")
    changed = study_now(sqlite_engine)
    assert (changed.title, changed.min_group, changed.edit_version) == ("New name", 8, 2)
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Audit.details)).one() == {"changed": ["title", "min_group"]}


def test_a_panel_is_set_on_the_page_and_its_parameters_stay_after_the_launch(open_as, sqlite_engine, draft) -> None:
    at = open_as("admin", "studies")
    at.checkbox(key="shop-1-panel").check().run()
    at.text_input(key="shop-1-panel_parameter").set_value("pid")
    at.text_input(key="shop-1-panel_also").set_value("round, visit")
    at.text_input(key="shop-1-panel_code").set_value("C0DE")
    at.text_input(key="shop-1-panel_url").set_value("http://panel.example.org")
    assert "completion_url must begin with https" in texts(press(at, "Save")).replace("\\", "").replace("\u2060", "")
    at.text_input(key="shop-1-panel_url").set_value("https://panel.example.org/back?who={pid}")
    press(at, "Save")
    kept = {"parameter": "pid", "also": ["round", "visit"], "completion_code": "C0DE"}
    assert study_now(sqlite_engine).panel == kept | {"completion_url": "https://panel.example.org/back?who={pid}"}
    with write_session(sqlite_engine) as session:
        session.get_one(Study, draft.id).status = "live"
    at = open_as("admin", "studies")
    assert at.text_input(key="shop-2-panel_parameter").value == "pid"
    assert at.checkbox(key="shop-2-panel").disabled
    assert at.text_input(key="shop-2-panel_parameter").disabled
    at.text_input(key="shop-2-panel_code").set_value("NEW")
    press(at, "Save")
    assert study_now(sqlite_engine).panel["completion_code"] == "NEW"
    with write_session(sqlite_engine) as session:
        study = session.get_one(Study, draft.id)
        wanted = study_life.definition_of(session, study).model_copy(update={"panel": None})
        with pytest.raises(Conflict, match="panel"):
            study_life.change_study(session, study, wanted, version=3)


def test_of_two_admins_who_edit_at_once_the_second_is_told(open_as, sqlite_engine, draft) -> None:
    at = open_as("admin", "studies")
    with write_session(sqlite_engine) as session:
        study = session.get_one(Study, draft.id)
        wanted = study_life.definition_of(session, study).model_copy(update={"title": "Theirs"})
        study_life.change_study(session, study, wanted, version=1)
    at.text_input(key="shop-1-title").set_value("Mine")
    shown = texts(press(at, "Save"))
    assert "somebody else changed shop" in shown
    assert study_now(sqlite_engine).title == "Theirs"
    press(at, "Drop mine")
    assert at.text_input(key="shop-2-title").value == "Theirs"


def test_after_the_launch_what_gives_answers_their_meaning_is_grey(open_as, sqlite_engine, empty) -> None:
    at = open_as("admin", "studies")
    assert at.selectbox(key="shop-1-metric").disabled
    assert not at.number_input(key="shop-1-batch_size").disabled


def test_a_study_that_was_deleted_meanwhile_is_said_to_be_gone(open_as, sqlite_engine, draft) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, "other")
    at = open_as("viewer", "studies", study="shop")
    with write_session(sqlite_engine) as session:
        session.delete(session.get_one(Study, draft.id))
    shown = texts(at.run())
    assert "is not there any more" in shown
    assert at.sidebar.selectbox[0].value == "other"


def test_a_click_meant_for_a_study_that_was_deleted_does_nothing_to_another(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        for slug in ("first", "second"):
            plant_study(session, slug)
    at = open_as("admin", "studies", study="first")
    with write_session(sqlite_engine) as session:
        session.exec(sa.delete(Arm).where(Arm.study_id.in_(sa.select(Study.id).where(Study.slug == "first"))))
        session.exec(sa.delete(Study).where(Study.slug == "first"))
    assert "first is not there any more" in texts(press(at, "Close the study")).replace("\\", "")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Study.status)).all() == ["live"]
