"""A study asks what its questionnaires said when it was launched, in an order that a person sees again and again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import write_session
from db.tables import Answer, Participant, Response, Study
from recux.collect.responses import save_answer
from recux.collect.studies import launch_study
from recux.errors import Conflict
from recux.instruments import Instrument, load, loading
from recux.questionnaires import changed_files, freeze, instrument_of, shown_to
from tests.collect.people import plant_consented
from tests.planting import plant_person

FILE = """
id = "tiny"
version = "1"
source = "own"
shuffle = true
title.en = "Tiny"
title.zh_CN = "小"
"""
QUESTION = """
[[questions]]
name = "{name}"
kind = "scale"
low = 1
high = 5
text.en = "{name}?"
text.zh_CN = "{name}？"
"""
BECAUSE = """
[[questions]]
name = "why"
kind = "multiple"
shuffle = true
ask_if = {{ question = "{name}", at_most = 3 }}
text.en = "Why?"
text.zh_CN = "为什么？"
options = [{options}]
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of an instrument of six questions in random order, one of them because of another."""
    options = ", ".join(f'{{ value = {n}, text.en = "{n}", text.zh_CN = "{n}" }}' for n in range(6))
    path = tmp_path / "tiny.toml"
    because = BECAUSE.format(name="c", options=options)
    path.write_text(FILE + "".join(QUESTION.format(name=name) for name in "abcde") + because, encoding="utf-8")
    monkeypatch.setattr(loading, "FOLDER", tmp_path)
    load.cache_clear()
    yield path
    load.cache_clear()


def edited(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    load.cache_clear()


def launched(session: Session, slug: str) -> Participant:
    """A person who agreed to take part in a study that was launched with the instrument."""
    person = plant_consented(session) if slug == "shop" else None
    study = session.exec(select(Study)).first()
    assert study is not None
    if person is None:
        copied = {"title", "languages", "salt"}
        study = Study(slug=slug, **{name: getattr(study, name) for name in copied})
        session.add(study)
    study.status, study.instruments = "draft", ["tiny"]
    session.flush()
    if person is not None:
        launch_study(session, study)
    return person or plant_person(session, study, "x")


def test_a_running_study_asks_what_it_was_launched_with(engine: sa.Engine, tiny: Path) -> None:
    with write_session(engine) as session:
        person = launched(session, "shop")
        edited(tiny, "a?", "A new wording?")
        edited(tiny, 'version = "1"', 'version = "2"')
        shown = shown_to(session, person, "tiny")
        save_answer(session, person, shown, "a", value=3, language="en")
        assert load("tiny").version == "2"
        assert session.exec(select(Answer.wording)).one() == "a?"
        assert session.exec(select(Response.version)).one() == "1"


def test_a_file_that_was_changed_without_a_new_version_stops_the_next_launch(engine: sa.Engine, tiny: Path) -> None:
    with write_session(engine) as session:
        launched(session, "shop")
        edited(tiny, "a?", "A new wording?")
        assert [said.partition(",")[0] for said in changed_files(session)] == ["the instrument 'tiny' was changed"]
        other = session.get_one(Study, launched(session, "other").study_id)
        with pytest.raises(Conflict, match="'tiny' was changed, but its version is still 1, with which the study shop"):
            freeze(session, other)
        edited(tiny, 'version = "1"', 'version = "2"')
        assert changed_files(session) == []
        freeze(session, other)
        assert instrument_of(session, other.id or 0, "tiny").version == "2"


def test_each_person_has_an_order_of_their_own_and_keeps_it(engine: sa.Engine, tiny: Path) -> None:
    with write_session(engine) as session:
        person = launched(session, "shop")
        study = session.get_one(Study, person.study_id)
        people = [person, *(plant_person(session, study, f"p{n}") for n in range(11))]
        shown = [shown_to(session, one, "tiny").order for one in people]
        assert [shown_to(session, one, "tiny").order for one in people] == shown
        assert len({str(order["questions"]) for order in shown}) > 6
        assert len({str(order["options"]["why"]) for order in shown}) > 6
        for order in shown:
            names = order["questions"]
            assert sorted(names) == ["a", "b", "c", "d", "e", "why"]
            assert names.index("why") == names.index("c") + 1, "it is asked because of c"


def test_the_order_that_was_shown_is_stored(engine: sa.Engine, tiny: Path) -> None:
    with write_session(engine) as session:
        person = launched(session, "shop")
        shown = shown_to(session, person, "tiny")
        save_answer(session, person, shown, "b", value=1, language="en")
        assert session.exec(select(Response.shown).order_by(col(Response.id))).one() == shown.order


def test_an_instrument_without_the_switch_keeps_its_order() -> None:
    resque: Instrument = load("resque")
    assert resque.in_order_of("anyone").order == resque.order
