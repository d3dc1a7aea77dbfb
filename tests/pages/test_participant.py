"""Every widget of the participant pages that writes: what it leaves in the database, and where it leads."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import PropertyMock, patch

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from streamlit.runtime.context import StreamlitCookies
from streamlit.testing.v1 import AppTest

from db.engine import read_session, write_session
from db.tables import Answer, Consent, Participant, Rating, Slate, Study
from recux.access.http import PARTICIPANT_COOKIE
from recux.access.sessions import start_session
from recux.ui.language import CHOSEN
from tests.collect.people import plant_invited

APP = Path(__file__).parent.parent.parent / "streamlit_app.py"
AGREE = "I agree and take part"


@pytest.fixture
def at(sqlite_engine: sa.Engine, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app as a newly invited person opens it."""
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    with write_session(sqlite_engine) as session:
        cookie = start_session(session, participant=plant_invited(session), hours=1)
    with patch("streamlit.runtime.context.ContextProxy.cookies", PropertyMock(return_value=_cookies(cookie))):
        at = AppTest.from_file(APP, default_timeout=20)
        at.run()
        yield at


def _cookies(cookie: str) -> StreamlitCookies:
    return StreamlitCookies({PARTICIPANT_COOKIE: cookie})


def rows(engine: sa.Engine, table: type) -> list:
    with read_session(engine) as session:
        return list(session.exec(select(table).order_by(col(table.id))))


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label == label).click().run()


def board_of(engine: sa.Engine) -> tuple[str, list[int]]:
    """Key of the slate's board, and the impressions in it."""
    with read_session(engine) as session:
        slate = session.exec(select(Slate)).one()
        ids = session.exec(sa.text("select id from impression order by position")).all()
    return f"slate-{slate.id}", [row[0] for row in ids]


def send(at: AppTest, key: str, **changes: dict) -> AppTest:
    """What the browser's script sends for a board."""
    blank = {"value": None, "text": None, "refused": False, "base": None}
    at.session_state[key] = {"pending": {name: blank | change for name, change in changes.items()}}
    return at.run()


def title(at: AppTest) -> str:
    return at.title[0].value


def agreed(at: AppTest) -> AppTest:
    return press(at, AGREE)


def rated(at: AppTest, engine: sa.Engine) -> AppTest:
    key, ids = board_of(engine)
    send(agreed(at), key, **{f"{n}/stars": {"value": 4, "nonce": f"s{n}"} for n in ids})
    return press(at, "Continue")


def test_the_first_page_asks_for_consent_and_nothing_is_stored_by_looking(
    at: AppTest, sqlite_engine: sa.Engine
) -> None:
    assert not at.exception
    assert title(at) == "Welcome"
    assert rows(sqlite_engine, Consent) == []


def test_agreeing_leads_to_the_slate(at: AppTest, sqlite_engine: sa.Engine) -> None:
    agreed(at)
    assert not at.exception
    assert [consent.given for consent in rows(sqlite_engine, Consent)] == [True]
    assert title(at) == "Recommended for you"


def test_declining_asks_nothing_and_can_be_reconsidered(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(at, "No, thank you")
    assert "not to take part" in at.info[0].value
    agreed(at)
    assert [consent.given for consent in rows(sqlite_engine, Consent)] == [False, True]
    assert title(at) == "Recommended for you"


def test_stars_are_stored_once_however_often_the_page_runs(at: AppTest, sqlite_engine: sa.Engine) -> None:
    key, ids = board_of(sqlite_engine)
    send(agreed(at), key, **{f"{ids[0]}/stars": {"value": 5, "nonce": "a"}})
    at.run().run()
    assert [(r.rating, r.comment) for r in rows(sqlite_engine, Rating)] == [(5, None)]
    assert not at.exception


def test_a_comment_joins_its_stars_and_a_late_change_wins(at: AppTest, sqlite_engine: sa.Engine) -> None:
    key, ids = board_of(sqlite_engine)
    stars, comment = f"{ids[0]}/stars", f"{ids[0]}/comment"
    send(agreed(at), key, **{stars: {"value": 5, "nonce": "a"}})
    send(at, key, **{stars: {"value": 2, "nonce": "b"}, comment: {"text": "hm\0m", "nonce": "c"}})
    current = [r for r in rows(sqlite_engine, Rating) if r.current]
    assert [(r.rating, r.comment) for r in current] == [(2, "hmm")]


def test_what_a_manipulated_page_sends_is_not_stored(at: AppTest, sqlite_engine: sa.Engine) -> None:
    key, ids = board_of(sqlite_engine)
    send(
        agreed(at),
        key,
        **{
            f"{ids[0]}/stars": {"value": 3.5, "nonce": "a"},
            f"{ids[1]}/stars": {"value": 7, "nonce": "b"},
            f"{ids[2]}/comment": {"text": "no stars", "nonce": "c"},
            "999/stars": {"value": 5, "nonce": "d"},
            f"{ids[2]}/stars": {"value": 5, "nonce": 7},
        },
    )
    assert not at.exception
    assert rows(sqlite_engine, Rating) == []


def test_going_on_with_unrated_items_takes_a_second_click(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(agreed(at), "Continue")
    assert title(at) == "Recommended for you"
    assert at.info[0].value == "3 items have no rating yet."
    press(at, "Go on without rating them")
    assert title(at) == "Would you recommend it?"
    person = rows(sqlite_engine, Participant)[0]
    assert person.passed == ["rate/1"]
    for instrument in ("nps", "csat"):
        press(send(at, f"instrument-{instrument}-{person.id}", score={"value": 4, "nonce": "a"}), "Continue")
    assert at.get("progress")[0].proto.text == "2 of 5 answered, 3 left out"


def test_answers_are_stored_with_the_wording_and_a_refusal_counts(at: AppTest, sqlite_engine: sa.Engine) -> None:
    rated(at, sqlite_engine)
    person = rows(sqlite_engine, Participant)[0].id
    send(at, f"instrument-nps-{person}", score={"value": 0, "nonce": "a"})
    press(at, "Continue")
    assert title(at) == "How satisfied are you?"
    send(at, f"instrument-csat-{person}", score={"refused": True, "nonce": "b"})
    press(at, "Continue")
    assert title(at) == "Thank you!"
    assert [(a.value, a.refused) for a in rows(sqlite_engine, Answer)] == [(0, False), (None, True)]
    assert rows(sqlite_engine, Answer)[0].wording.startswith("How likely is it")
    assert rows(sqlite_engine, Participant)[0].finished_at is not None


def test_an_unanswered_question_is_named_before_going_on(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(rated(at, sqlite_engine), "Continue")
    assert "Please answer every question" in at.warning[0].value
    assert title(at) == "Would you recommend it?"


def test_back_leads_back_and_loses_nothing(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(rated(at, sqlite_engine), "Back")
    assert title(at) == "Recommended for you"
    assert sum(rating.current for rating in rows(sqlite_engine, Rating)) == 3


def test_switching_the_language_is_remembered_for_the_person(at: AppTest, sqlite_engine: sa.Engine) -> None:
    press(at, "简体中文")
    assert title(at) == "欢迎"
    assert rows(sqlite_engine, Participant)[0].language == "zh_CN"
    del at.session_state[CHOSEN]  # another device
    at.run()
    assert title(at) == "欢迎"


def test_who_agrees_in_the_browser_s_language_is_known_by_it_from_then_on(
    at: AppTest, sqlite_engine: sa.Engine
) -> None:
    at.context = {"locale": "zh-CN"}
    del at.session_state[CHOSEN]
    assert title(at.run()) == "欢迎"
    assert rows(sqlite_engine, Participant)[0].language is None
    press(at, "我同意并参与")
    assert rows(sqlite_engine, Participant)[0].language == "zh_CN"
    assert any(
        one.value.startswith("这件商品适合您吗？ 请逐一") for one in at.markdown
    )  # the words of the study's domain


@pytest.mark.parametrize(("status", "words"), [("paused", "is paused"), ("closed", "is closed")])
def test_a_study_that_is_not_live_says_so_and_asks_nothing(
    at: AppTest, sqlite_engine: sa.Engine, status: str, words: str
) -> None:
    agreed(at)
    with write_session(sqlite_engine) as session:
        session.exec(select(Study)).one().status = status
    at.run()
    assert words in at.info[0].value
    assert not at.title


def test_withdrawing_takes_a_tick_and_a_click(at: AppTest, sqlite_engine: sa.Engine) -> None:
    at.switch_page("pages/participant/my_data.py").run()
    at.checkbox(key="_sure_to_withdraw").check().run()
    assert rows(sqlite_engine, Participant)[0].withdrawn_at is None
    press(at, "Withdraw now")
    assert rows(sqlite_engine, Participant)[0].withdrawn_at is not None
    at.switch_page("pages/participant/rate.py").run()
    assert "You have withdrawn" in at.info[0].value


def test_erasing_takes_a_tick_and_a_click_and_leaves_nobody(at: AppTest, sqlite_engine: sa.Engine) -> None:
    agreed(at)
    at.switch_page("pages/participant/my_data.py").run()
    at.checkbox(key="_sure_to_erase").check().run()
    press(at, "Erase now")
    assert "was deleted" in at.success[0].value
    assert rows(sqlite_engine, Participant) == rows(sqlite_engine, Consent) == rows(sqlite_engine, Slate) == []
    at.run()
    assert title(at) == "This link has ended"


@pytest.mark.parametrize("page", ["rate", "survey", "thanks"])
def test_nobody_gets_ahead_of_their_consent(at: AppTest, page: str) -> None:
    at.switch_page(f"pages/participant/{page}.py").run()
    assert title(at) == "Welcome"


@pytest.mark.parametrize("page", ["survey", "thanks", "welcome"])
def test_who_agreed_is_led_to_the_slate_from_any_page(at: AppTest, page: str) -> None:
    agreed(at).switch_page(f"pages/participant/{page}.py").run()
    assert title(at) == "Recommended for you"


def test_a_correction_leads_to_where_the_answer_was_given(at: AppTest, sqlite_engine: sa.Engine) -> None:
    rated(at, sqlite_engine)
    at.switch_page("pages/participant/my_data.py").run()
    press(at, "My ratings")
    assert not at.exception
    assert title(at) == "Recommended for you"
