"""The steps that a study may add to the way: preferences first, two lists, marks, and an end with a debrief."""

from collections.abc import Iterator
from unittest.mock import PropertyMock, patch
from zlib import crc32

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from streamlit.runtime.context import StreamlitCookies
from streamlit.testing.v1 import AppTest

from db.engine import write_session
from db.tables import Arm, Impression, Interaction, Item, Participant, Rating, Response, Slate, Study
from recux.access.http import PARTICIPANT_COOKIE
from recux.access.sessions import start_session
from recux.collect.flow import Panel
from recux.collect.preferences import pick
from tests.collect.people import plant_invited
from tests.pages.test_participant import APP, agreed, press, rows, send, title

FULL = ["consent", "preferences", "slate", "questionnaires", "thanks"]
ENDS = {"completion_code": "C1A2B3", "completion_url": "https://panel.example/back?cc=C1A2B3"}


@pytest.fixture
def at(sqlite_engine: sa.Engine, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """A panel's member in a crossover study with every step, at its beginning."""
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    with write_session(sqlite_engine) as session:
        person = plant_invited(session, came_by="panel")
        session.exec(sa.delete(Slate))
        study = session.exec(select(Study)).one()
        study.steps, study.design, study.per_list, study.slate_size = FULL, "crossover", ["csat"], 2
        study.debrief = {"en": "It was about *order*.", "zh_CN": "这是关于顺序的研究。"}
        study.panel, study.own_answers = Panel(**ENDS).model_dump(), True
        for arm, name in zip(session.exec(select(Arm).order_by(col(Arm.id))), ("Zebra", "Quokka"), strict=True):
            arm.source, arm.title, arm.key = "popularity", f"{name} arm", f"{name}-key"
        cookie = start_session(session, participant=person, hours=1)
    jar = StreamlitCookies({PARTICIPANT_COOKIE: cookie})
    with patch("streamlit.runtime.context.ContextProxy.cookies", PropertyMock(return_value=jar)):
        at = AppTest.from_file(APP, default_timeout=20)
        at.run()
        yield at


def words(at: AppTest) -> str:
    """Everything that can be read on the page."""
    return " ".join(str(getattr(one, "value", "") or getattr(one, "label", "")) for one in at.main)


def badges(at: AppTest) -> str:
    return " ".join(one.value for one in at.markdown)


def impressions(engine: sa.Engine, period: int) -> list[Impression]:
    slate = next(slate for slate in rows(engine, Slate) if slate.period == period)
    return [one for one in rows(engine, Impression) if one.slate_id == slate.id]


def rate(at: AppTest, engine: sa.Engine, period: int) -> AppTest:
    shown = impressions(engine, period)
    changes = {f"{one.id}/stars": {"value": 4, "nonce": f"s{one.id}"} for one in shown}
    send(at, f"slate-{shown[0].slate_id}", **changes)
    return press(at, "Continue")


def say(at: AppTest, engine: sa.Engine, instrument: str, *, wave: int = 1) -> AppTest:
    person = rows(engine, Participant)[0].id
    key = f"instrument-{instrument}-{person}" + (f"-{wave}" if wave > 1 else "")
    send(at, key, score={"value": 4, "nonce": "a"})
    return press(at, "Continue")


def at_the_end(at: AppTest, engine: sa.Engine) -> AppTest:
    press(agreed(at), "Continue")
    for period in (1, 2):
        say(rate(at, engine, period), engine, "csat", wave=period)
    return say(at, engine, "nps")


def test_after_the_consent_comes_what_the_person_likes_and_none_of_it_is_needed(
    at: AppTest, sqlite_engine: sa.Engine
) -> None:
    assert title(agreed(at)) == "What do you like?"
    assert title(press(at, "Continue")) == "Recommended for you"
    assert rows(sqlite_engine, Participant)[0].passed == ["preferences/1"]
    assert rows(sqlite_engine, Interaction) == []


def test_topics_and_items_are_kept_when_they_are_picked_and_taken_back_when_unpicked(
    at: AppTest, sqlite_engine: sa.Engine
) -> None:
    agreed(at)
    board = f"preferences-{rows(sqlite_engine, Participant)[0].id}"
    send(at, board, topics={"text": str(crc32(b"c1")), "nonce": "a"})
    item = rows(sqlite_engine, Item)[2].id
    at.checkbox(key=f"_like_{item}").check().run()
    assert rows(sqlite_engine, Participant)[0].interests == ["c1"]
    assert [(one.kind, one.item_id) for one in rows(sqlite_engine, Interaction)] == [("like", item)]
    at.checkbox(key=f"_like_{item}").uncheck().run()
    send(at, board, topics={"text": "", "nonce": "b"})
    assert rows(sqlite_engine, Participant)[0].interests == []
    assert rows(sqlite_engine, Interaction) == []


def test_what_another_device_took_back_is_not_picked_again(at: AppTest, sqlite_engine: sa.Engine) -> None:
    agreed(at)
    item = rows(sqlite_engine, Item)[2].id
    at.checkbox(key=f"_like_{item}").check().run()
    with write_session(sqlite_engine) as session:
        pick(session, session.exec(select(Participant)).one(), item, liked=False)
    at.run()
    assert rows(sqlite_engine, Interaction) == []
    assert at.checkbox(key=f"_like_{item}").value is False


def test_a_search_that_finds_nothing_says_so_and_keeps_what_was_picked(at: AppTest, sqlite_engine: sa.Engine) -> None:
    item = rows(sqlite_engine, Item)[2]
    agreed(at)
    at.checkbox(key=f"_like_{item.id}").check().run()
    at.text_input(key="_search").input("unheard of").run()
    assert "Nothing was found" in badges(at)
    assert at.checkbox(key=f"_like_{item.id}").value is True


def test_a_list_that_is_made_already_is_not_changed_by_other_preferences_and_the_page_says_so(
    at: AppTest, sqlite_engine: sa.Engine
) -> None:
    assert agreed(at).info.len == 0
    press(at, "Continue")
    assert press(at, "Back").info[0].value.endswith("Changes here count for the next one.")
    with write_session(sqlite_engine) as session:
        session.exec(select(Study)).one().design = "between"
    assert at.run().info[0].value == "Your list has already been made; changes here do not alter it."


def test_two_lists_are_counted_and_asked_about_one_by_one(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(agreed(at), "Continue")
    assert "List 1 of 2" in badges(at)
    rate(at, sqlite_engine, 1)
    assert title(at) == "How satisfied are you?"
    assert "About list 1 of 2" in badges(at)
    say(at, sqlite_engine, "csat")
    assert "List 2 of 2" in badges(at)
    rate(at, sqlite_engine, 2)
    assert "About list 2 of 2" in badges(at)
    say(at, sqlite_engine, "csat", wave=2)
    assert title(at) == "Would you recommend it?"
    waves = [(one.instrument, one.wave) for one in rows(sqlite_engine, Response)]
    assert waves == [("csat", 1), ("csat", 2)]


def test_back_walks_the_whole_way_and_nothing_is_lost(at: AppTest, sqlite_engine: sa.Engine) -> None:
    at_the_end(at, sqlite_engine)
    met = [title(at)]
    while any(button.label == "Back" for button in at.button):
        met.append(title(press(at, "Back")))
    assert met == [
        "Thank you!", "Would you recommend it?", "How satisfied are you?", "Recommended for you",
        "How satisfied are you?", "Recommended for you", "What do you like?",
    ]  # fmt: skip
    assert sum(rating.current for rating in rows(sqlite_engine, Rating)) == 4
    for _ in range(6):
        press(at, "Continue")
    assert title(at) == "Thank you!"


def test_what_is_not_for_the_person_needs_no_stars(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(agreed(at), "Continue")
    shown = impressions(sqlite_engine, 1)
    marks = {f"{one.id}/marks": {"text": "1;2", "nonce": f"m{one.id}"} for one in shown}
    send(at, f"slate-{shown[0].slate_id}", **marks)
    assert sorted(one.kind for one in rows(sqlite_engine, Interaction)) == ["dismiss", "dismiss", "know", "know"]
    send(at, f"slate-{shown[0].slate_id}", **{f"{shown[0].id}/marks": {"text": "2", "nonce": "later"}})
    assert sorted(one.kind for one in rows(sqlite_engine, Interaction)) == ["dismiss", "dismiss", "know"]
    assert title(press(at, "Continue")) == "How satisfied are you?"
    assert rows(sqlite_engine, Rating) == []


def test_marks_that_no_page_offers_are_not_stored(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(agreed(at), "Continue")
    one = impressions(sqlite_engine, 1)[0]
    send(at, f"slate-{one.slate_id}", **{f"{one.id}/marks": {"text": "3;x;purchase", "nonce": "a"}})
    assert rows(sqlite_engine, Interaction) == []


def test_the_end_has_the_debrief_the_way_back_to_the_panel_and_the_own_answers(
    at: AppTest, sqlite_engine: sa.Engine
) -> None:
    at_the_end(at, sqlite_engine)
    assert title(at) == "Thank you!"
    assert at.code[0].value == "C1A2B3"
    said = badges(at)
    assert "It was about" in said
    assert said.count("4 of 5 stars") == 4
    assert said.replace("\\", "").count("4 (on a scale of 1 to 5)") == said.count("List") == 2, "csat, for each list"
    assert said.replace("\\", "").count("4 (on a scale of 0 to 10)") == 1
    assert rows(sqlite_engine, Participant)[0].finished_at is not None
    press(at, "简体中文")
    assert "这是关于顺序的研究" in badges(at)


def test_what_was_waved_away_is_read_back_and_every_list_can_be_corrected(
    at: AppTest, sqlite_engine: sa.Engine
) -> None:
    press(agreed(at), "Continue")
    first = impressions(sqlite_engine, 1)
    marks = {f"{one.id}/marks": {"text": "2", "nonce": f"m{one.id}"} for one in first}
    send(at, f"slate-{first[0].slate_id}", **marks)
    say(press(at, "Continue"), sqlite_engine, "csat")
    say(rate(at, sqlite_engine, 2), sqlite_engine, "csat", wave=2)
    say(at, sqlite_engine, "nps")
    assert badges(at).count("Not for me") == 2
    at.switch_page("pages/participant/my_data.py").run()
    offered = [one.label.replace("\\", "") for one in at.button if (one.key or "").startswith("_button_correct")]
    satisfied = "How satisfied are you?"
    assert offered == [
        "What I like",
        *("List 1 of 2", f"{satisfied} (List 1 of 2)", "List 2 of 2", f"{satisfied} (List 2 of 2)"),
        "Would you recommend it?",
    ]


def test_who_did_not_come_from_the_panel_gets_no_completion_code(at: AppTest, sqlite_engine: sa.Engine) -> None:
    with write_session(sqlite_engine) as session:
        session.exec(select(Participant)).one().came_by = "open"
    assert at_the_end(at, sqlite_engine).code.len == 0


def test_nobody_ever_reads_an_arms_name(at: AppTest, sqlite_engine: sa.Engine) -> None:
    pages = [words(at)]
    press(agreed(at), "Continue")
    pages.append(words(at))
    for period in (1, 2):
        pages.append(words(rate(at, sqlite_engine, period)))
        pages.append(words(say(at, sqlite_engine, "csat", wave=period)))
    pages.append(words(say(at, sqlite_engine, "nps")))
    at.switch_page("pages/participant/my_data.py").run()
    pages.append(words(at))
    assert sum("Recommended for you" in page for page in pages) == 2  # what was read was the pages
    assert not any(name in page for page in pages for name in ("Zebra", "Quokka", "popularity"))


def test_declining_makes_no_list_and_leaves_no_seat_behind(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(at, "No, thank you")
    assert "You do not need to do anything" not in words(at)  # a panel's member has a place to give back
    at.switch_page("pages/participant/preferences.py").run()
    assert title(at) == "Welcome"
    assert rows(sqlite_engine, Slate) == rows(sqlite_engine, Interaction) == []


@pytest.mark.parametrize("status", ["paused", "closed", "draft"])
def test_a_study_that_stops_in_the_middle_says_so_on_the_new_pages_too(
    at: AppTest, sqlite_engine: sa.Engine, status: str
) -> None:
    agreed(at)
    with write_session(sqlite_engine) as session:
        session.exec(select(Study)).one().status = status
    at.run()
    assert at.info
    assert not at.title
