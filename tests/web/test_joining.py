"""Coming in, as a browser meets it: with cookies and without, first visits and returns, people and machines."""

import pytest
import sqlalchemy as sa
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.engine import engine_for, read_session, write_session
from db.tables import Participant, Study
from db.tables import Session as BrowserSession
from recux.access import open_links
from recux.access.invites import create_invites, revoke_invites
from recux.collect.flow import Panel
from recux.web import middleware, routes
from tests.planting import plant_study

SITE = "http://recux.test"
OURS = {"origin": SITE}
PANEL = {"PROLIFIC_PID": "ann", "SESSION_ID": "1"}


@pytest.fixture
def engine(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("RECUX_SECRET_KEY", "k" * 32)
    engine = engine_for(sqlite_url)
    yield engine
    engine.dispose()


def browser() -> TestClient:
    app = Starlette(routes=routes(), middleware=middleware())
    return TestClient(app, base_url=SITE, follow_redirects=False)


def link(engine: sa.Engine, *, cap: int | None = None, panel: bool = False, **fields) -> str:
    with write_session(engine) as session:
        study = plant_study(session, **fields)
        study.panel = Panel().model_dump() if panel else {}
        return "/join/" + open_links.open_link(session, study, cap=cap, secret="k" * 32)


def people(engine: sa.Engine, table: type = Participant) -> list:
    with read_session(engine) as session:
        return list(session.exec(select(table)))


def start(client: TestClient, address: str, **params: str):
    client.get(address, params=params)
    return client.post(address, params=params, headers=OURS)


def test_looking_at_an_open_link_takes_nobodys_seat(engine):
    address, client = link(engine), browser()
    for look in (client.get, client.head, client.get):
        assert look(address).status_code == 200
    assert people(engine) == people(engine, BrowserSession) == []


def test_pressing_start_lets_one_person_in_and_the_link_leaves_the_address(engine):
    address, client = link(engine), browser()
    answer = start(client, address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert [person.came_by for person in people(engine)] == ["open"]


def test_pressing_start_twice_lets_one_person_in(engine):
    address, client = link(engine), browser()
    client.get(address)
    door = client.cookies["recux_door"]
    for _ in range(2):
        client.cookies.clear()
        client.cookies.set("recux_door", door)
        assert client.post(address, headers=OURS).status_code == 303
    assert len(people(engine)) == 1


def test_the_same_browser_opening_the_link_again_goes_on_where_it_was(engine):
    address, client = link(engine), browser()
    start(client, address)
    assert client.get(address).headers["location"] == "/"
    assert len(people(engine)) == 1


def test_two_browsers_are_two_people(engine):
    address = link(engine)
    for _ in range(2):
        start(browser(), address)
    assert len(people(engine)) == 2


def test_a_panels_member_goes_on_from_another_device_without_pressing_anything(engine):
    address = link(engine, panel=True)
    start(browser(), address, **PANEL)
    answer = browser().get(address, params=PANEL)
    assert (answer.status_code, answer.headers["location"]) == (303, "/join")
    assert len(people(engine)) == 1


def test_two_members_of_a_panel_at_one_computer_are_two_people(engine):
    address, client = link(engine, panel=True), browser()
    start(client, address, **PANEL)
    start(client, address, PROLIFIC_PID="bob")
    assert len(people(engine)) == 2


def test_without_cookies_an_open_link_says_what_to_do_and_stores_nothing(engine):
    address, client = link(engine), browser()
    client.get(address)
    client.cookies.clear()
    answer = client.post(address, headers=OURS)
    assert (answer.status_code, "allow cookies" in answer.text) == (403, True)
    assert people(engine) == people(engine, BrowserSession) == []


def test_without_cookies_a_personal_link_says_what_to_do(engine):
    with write_session(engine) as session:
        token = create_invites(session, plant_study(session), participant_ids=["ann"])[0].token
    client = browser()
    client.get(f"/join/{token}")
    client.cookies.clear()
    assert "allow cookies" in client.get("/join").text


def test_a_start_from_another_site_is_refused(engine):
    address, client = link(engine), browser()
    client.get(address)
    assert client.post(address, headers={"origin": "https://evil.test"}).status_code == 403
    assert people(engine) == []


def test_a_full_study_closes_its_door_but_not_to_those_inside(engine):
    address, inside = link(engine, cap=1), browser()
    start(inside, address)
    refused = browser().get(address)
    assert (refused.status_code, "This study is full" in refused.text) == (403, True)
    assert inside.get(address).headers["location"] == "/"


def test_without_the_servers_key_a_panel_link_says_that_the_study_is_not_ready(engine, monkeypatch):
    address = link(engine, panel=True)
    monkeypatch.delenv("RECUX_SECRET_KEY")
    answer = browser().get(address, params=PANEL)
    assert (answer.status_code, "not ready yet" in answer.text) == (503, True)
    assert people(engine) == []


def test_the_door_speaks_the_browsers_language(engine):
    answer = browser().get(link(engine), headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert 'lang="zh-CN"' in answer.text
    assert "开始" in answer.text


def test_a_studys_title_cannot_bring_markup_to_the_door(engine):
    address = link(engine)
    with write_session(engine) as session:
        session.exec(select(Study)).one().title = "<img src=x onerror=alert(1)>"
    assert "<img" not in browser().get(address).text


def test_a_revoked_link_opens_nothing_and_its_browsers_are_signed_out(engine):
    with write_session(engine) as session:
        token = create_invites(session, plant_study(session), participant_ids=["ann"])[0].token
    client = browser()
    client.get(f"/join/{token}")
    with write_session(engine) as session:
        assert revoke_invites(session, session.exec(select(Study)).one(), ["ann"]) == 1
    assert client.get(f"/join/{token}").status_code == 403
    assert people(engine, BrowserSession) == []
    assert len(people(engine)) == 1


def test_while_the_database_is_away_a_link_says_to_try_again_and_works_afterwards(engine, monkeypatch):
    address = link(engine)
    client = browser()
    with monkeypatch.context() as away:
        away.setenv("RECUX_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/nothing")
        answer = client.get(address, headers={"accept-language": "zh-CN"})
        assert (answer.status_code, "请稍等一分钟再试" in answer.text) == (503, True)
        assert client.post(
            "/seen", json={"seen": {"1": 2000}}, headers=OURS, cookies={"recux_participant": "x"}
        ).is_error
    assert "Start" in client.get(address).text
