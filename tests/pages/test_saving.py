"""What a click costs the database, and whose clicks are taken."""

from collections.abc import Iterator
from unittest.mock import PropertyMock, patch

import pytest
import sqlalchemy as sa
from sqlmodel import col, select
from streamlit.runtime.context import StreamlitCookies

from db.engine import read_session, write_session
from db.tables import Answer, Participant, Rating, Study
from recux.access.http import PARTICIPANT_COOKIE
from recux.access.sessions import end_session, start_session
from recux.collect.own_data import withdraw
from recux.collect.slates import places, slate_for
from recux.errors import NotAllowed
from recux.instruments import load
from recux.ui.board import Said
from recux.ui.saving import Places, save_opinion, save_response
from tests.collect.people import plant_consented

NPS = load("nps")


@pytest.fixture
def cookie(engine: sa.Engine) -> Iterator[str]:
    """The page of a person who agreed; the cookie that their browser has."""
    with write_session(engine) as session:
        token = start_session(session, participant=plant_consented(session), hours=1)
    jar = StreamlitCookies({PARTICIPANT_COOKIE: token})
    with patch("streamlit.runtime.context.ContextProxy.cookies", PropertyMock(return_value=jar)):
        yield token


@pytest.fixture
def slate(engine: sa.Engine, cookie: str) -> Places:
    with write_session(engine) as session:
        person = session.exec(select(Participant)).one()
        return {str(number): place for number, place in places(slate_for(session, person), person).items()}


def said(name: str, value: float | None = None, text: str | None = None) -> Said:
    return Said(name, value, text, refused=False, base=None, nonce="n")


def person_of(slate: Places) -> int:
    return next(iter(slate.values())).participant_id


def test_a_click_is_a_handful_of_statements(engine: sa.Engine, slate: Places) -> None:
    first = next(iter(slate))
    save_opinion(engine, slate, said(f"{first}/stars", 4))
    save_response(engine, person_of(slate), NPS, said("score", 4), language="en", wave=1)
    sent: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_more: sent.append(statement))
    kept = save_opinion(engine, slate, said(f"{first}/stars", 2))
    assert len(sent) == 5, sent  # begin or lock, may they, what was said, retire, insert
    assert kept[f"{first}/stars"] is not None
    assert kept[f"{first}/stars"].value == 2
    sent.clear()
    kept = save_response(engine, person_of(slate), NPS, said("score", 9), language="en", wave=1)
    assert len(sent) == 6, sent  # and which response
    assert kept["score"] is not None
    assert kept["score"].value == 9


def test_what_is_told_to_the_browser_is_what_is_in_the_database(engine: sa.Engine, slate: Places) -> None:
    first, second, _third = slate
    save_opinion(engine, slate, said(f"{first}/stars", 4))
    save_opinion(engine, slate, said(f"{first}/comment", text="warm"))
    save_opinion(engine, slate, said(f"{second}/marks", text="2"))
    kept = save_opinion(engine, slate, said(f"{first}/stars", 5))
    with read_session(engine) as session:
        rows = session.exec(select(Rating).order_by(col(Rating.id))).all()
    assert [(row.rating, row.comment, row.current) for row in rows] == [
        (4, None, False),
        (4, "warm", False),
        (5, "warm", True),
    ]
    now = kept[f"{first}/stars"]
    assert now is not None
    assert (now.revision, now.value, now.text) == (rows[-1].id, 5, "warm")
    marks = kept[f"{second}/marks"]
    assert marks is not None
    assert marks.text == "2"


@pytest.mark.parametrize("how", ["session ended", "withdrawn", "study paused", "erased", "somebody else's page"])
def test_a_click_of_somebody_who_may_not_answer_stores_nothing(
    engine: sa.Engine, slate: Places, cookie: str, how: str
) -> None:
    owner = person_of(slate)
    with write_session(engine) as session:
        person = session.get_one(Participant, owner)
        if how == "session ended":
            end_session(session, cookie)
        elif how == "withdrawn":
            withdraw(session, person)
        elif how == "study paused":
            session.exec(select(Study)).one().status = "paused"
        elif how == "erased":
            session.delete(person)
        else:
            owner = plant_consented(session, "bob").id or 0
    theirs = {name: place._replace(participant_id=owner) for name, place in slate.items()}
    with pytest.raises(NotAllowed):
        save_opinion(engine, theirs, said(f"{next(iter(theirs))}/stars", 4))
    with pytest.raises(NotAllowed):
        save_response(engine, owner, NPS, said("score", 4), language="en", wave=1)
    with read_session(engine) as session:
        assert session.exec(select(Rating)).all() == []
        assert session.exec(select(Answer)).all() == []
