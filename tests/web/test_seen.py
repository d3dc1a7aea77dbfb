"""Reports of what was in view: taken from the person's own browser, small and sane, and from nobody else."""

import json

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.engine import engine_for, read_session, write_session
from db.tables import Interaction, Participant
from recux.access.http import PARTICIPANT_COOKIE
from recux.access.seen import times_in
from recux.access.sessions import start_session
from recux.collect.slates import slate_for
from recux.web import middleware, routes
from tests.collect.people import plant_consented

SITE = "http://recux.test"


@pytest.fixture
def engine(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    engine = engine_for(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def shown(engine: sa.Engine) -> list[int]:
    with write_session(engine) as session:
        return [card.impression.id for card in slate_for(session, plant_consented(session)).cards]


def report(engine: sa.Engine, seen: dict, *, name: str = "ann", origin: str = SITE) -> int:
    with write_session(engine) as session:
        cookie = start_session(session, participant=person(session, name), hours=1)
    client = TestClient(Starlette(routes=routes(), middleware=middleware()), base_url=SITE)
    client.cookies.set(PARTICIPANT_COOKIE, cookie)
    return client.post("/seen", content=json.dumps({"seen": seen}), headers={"origin": origin}).status_code


def person(session: Session, name: str):
    found = session.exec(select(Participant).where(Participant.external_id == name)).first()
    return found or plant_consented(session, name)


def views(engine: sa.Engine) -> list[float]:
    with read_session(engine) as session:
        return sorted(session.exec(select(Interaction.dwell_ms)))


def test_a_report_adds_to_the_persons_views(engine, shown):
    assert report(engine, {str(shown[0]): 2000, str(shown[1]): 1000}) == 204
    assert report(engine, {str(shown[0]): 500}) == 204
    assert views(engine) == [1000, 2500]


def test_a_report_about_somebody_elses_list_leaves_no_trace(engine, shown):
    assert report(engine, {str(shown[0]): 2000}, name="bob") == 204
    assert views(engine) == []


def test_a_report_from_another_site_is_refused(engine, shown):
    assert report(engine, {str(shown[0]): 2000}, origin="https://evil.test") == 403
    assert views(engine) == []


def test_a_flood_is_cut_off(engine, shown):
    assert report(engine, {str(n): 2000 for n in range(5000)}) == 413
    assert report(engine, {str(n): 2000 for n in range(500)}) == 204
    assert views(engine) == []


@pytest.mark.parametrize(
    "body",
    ["", "[]", "nonsense", '{"seen": [1]}', '{"seen": {"x": 5}}', '{"seen": {"1": "5"}}', '{"seen": {"1": true}}',
     '{"seen": {"1": NaN}}', '{"seen": {"1": -5}}', '{"seen": {"1": 1e12}}', '{"seen": {"\\u0661": 5}}', "[" * 9000],
)  # fmt: skip
def test_what_is_no_report_is_left_out(body):
    assert times_in(body.encode()) == {}
