"""The whole app, run without a browser, as somebody."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import PropertyMock, patch

import pytest
import sqlalchemy as sa
from sqlmodel import select
from streamlit.runtime.context import StreamlitCookies
from streamlit.testing.v1 import AppTest

from db.engine import write_session
from db.tables import Participant, Study, Suggestion, User
from recux.access.http import PARTICIPANT_COOKIE, USER_COOKIE
from recux.access.sessions import start_session
from tests.pages.planted import plant_pilot, plant_round, plant_suggestion
from tests.planting import plant_study

APP = Path(__file__).parent.parent.parent / "streamlit_app.py"
Open = Callable[..., AppTest]


@pytest.fixture
def open_as(
    sqlite_engine: sa.Engine, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Open]:
    """Open the app as ``nobody``, ``participant`` or a role, on a page: ``open_as("viewer", "rounds")``.

    With ``cookies`` instead, as whoever they say.
    """
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("RECUX_HOME", str(tmp_path / "home"))
    with ExitStack() as stack:

        def open_one(
            who: str = "nobody", page: str = "", cookies: dict[str, str] | None = None, **query: str
        ) -> AppTest:
            jar = StreamlitCookies(cookies if cookies is not None else cookies_of(sqlite_engine, who))
            stack.enter_context(patch("streamlit.runtime.context.ContextProxy.cookies", PropertyMock(return_value=jar)))
            at = AppTest.from_file(APP, default_timeout=30)
            for name, value in query.items():
                at.query_params[name] = value
            at.run()
            return at.switch_page(f"pages/admin/{page}.py").run() if page else at

        yield open_one


def cookies_of(engine: sa.Engine, who: str) -> dict[str, str]:
    """The cookies of a new browser of that person; the account is made when there is none."""
    if who == "nobody":
        return {}
    with write_session(engine) as session:
        if who == "participant":
            person = session.exec(select(Participant)).first()
            assert person is not None, "plant a participant first"
            return {PARTICIPANT_COOKIE: start_session(session, participant=person, hours=1)}
        user = session.exec(select(User).where(User.role == who)).first()
        if user is None:
            user = User(email=f"{who}@example.org", password_hash="x", role=who)
            session.add(user)
            session.flush()
        return {USER_COOKIE: start_session(session, user=user, hours=1)}


@pytest.fixture
def empty(sqlite_engine: sa.Engine) -> Study:
    with write_session(sqlite_engine) as session:
        return plant_study(session)


@pytest.fixture
def pilot(sqlite_engine: sa.Engine) -> Study:
    with write_session(sqlite_engine) as session:
        return plant_pilot(session)


@pytest.fixture
def finished(sqlite_engine: sa.Engine, pilot: Study) -> Suggestion:
    """The pilot after its first round, with one suggestion."""
    with write_session(sqlite_engine) as session:
        round_ = plant_round(session, session.get_one(Study, pilot.id))
        return plant_suggestion(session, pilot, round_)
