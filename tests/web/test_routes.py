"""The routes as a browser meets them, without Streamlit around them."""

import logging

import pytest
import sqlalchemy as sa
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.engine import engine_for, read_session, write_session
from db.tables import Audit, User
from db.tables import Session as BrowserSession
from recux.access import wanted
from recux.access.accounts import create_user
from recux.access.invites import create_invites
from recux.access.sessions import owner_of
from recux.errors import InvalidInput
from recux.settings import Settings
from recux.web import lifespan, middleware, routes, security_headers
from tests.planting import plant_study

SITE = "http://recux.test"
OURS = {"origin": SITE}
FORM = {"email": "ada@example.org", "password": "correct horse battery", "next": "/rounds?study=shop"}


@pytest.fixture
def engine(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    engine = engine_for(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: sa.Engine) -> TestClient:
    with TestClient(
        Starlette(routes=routes(), middleware=middleware()), base_url=SITE, follow_redirects=False
    ) as client:
        yield client


@pytest.fixture
def invite(engine: sa.Engine) -> str:
    with write_session(engine) as session:
        return create_invites(session, plant_study(session), participant_ids=["ann"])[0].token


@pytest.fixture
def ada(engine: sa.Engine) -> User:
    with write_session(engine) as session:
        return create_user(session, FORM["email"], FORM["password"], "viewer")


def owner(engine: sa.Engine, cookie: str):
    with read_session(engine) as session:
        return owner_of(session, cookie)


def test_an_invite_link_sets_a_cookie_that_scripts_cannot_read_and_goes_to_the_study(client, engine, invite):
    answer = client.get(f"/join/{invite}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/join")
    assert client.get("/join").headers["location"] == "/"
    assert invite not in answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax"} <= set(answer.headers["set-cookie"].split("; "))
    assert owner(engine, answer.cookies["recux_participant"]).external_id == "ann"


@pytest.mark.parametrize("token", ["forged", "a" * 3000, "%00", "<script>alert(1)</script>"])
def test_a_forged_link_gets_a_friendly_page_and_no_cookie(client, token):
    answer = client.get(f"/join/{token}")
    assert answer.status_code in {403, 404}
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text


def test_a_refused_link_says_what_to_do(client):
    assert "check that you copied all of it" in client.get("/join/forged").text


def test_signing_in_sets_a_cookie_and_goes_where_the_person_wanted(client, engine, ada):
    answer = client.post("/auth/login", data=FORM, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/rounds?study=shop")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert owner(engine, answer.cookies["recux_user"]).email == "ada@example.org"


def test_a_wrong_password_leads_back_to_the_form_and_is_in_the_audit_log(client, engine, ada):
    answer = client.post("/auth/login", data=FORM | {"password": "wrong"}, headers=OURS)
    assert answer.headers["location"] == "/sign_in?failed=1&next=%2Frounds%3Fstudy%3Dshop"
    assert "set-cookie" not in answer.headers
    with read_session(engine) as session:
        assert session.exec(select(Audit.action).order_by(Audit.id)).all()[-1] == "sign-in.failed"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://recux.test.evil.test", None])
@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout", "/auth/leave"])
def test_a_form_from_elsewhere_changes_nothing(client, engine, ada, path, origin):
    answer = client.post(path, data=FORM, headers={"origin": origin} if origin else {})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target", ["https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nb"]
)
def test_signing_in_never_leads_to_another_site(client, ada, target):
    answer = client.post("/auth/login", data=FORM | {"next": target}, headers=OURS)
    assert answer.headers["location"] == "/"


def test_signing_out_ends_the_session_in_the_database(client, engine, ada):
    cookie = client.post("/auth/login", data=FORM, headers=OURS).cookies["recux_user"]
    client.cookies.set("recux_user", cookie)
    answer = client.post("/auth/logout", headers=OURS)
    assert answer.headers["location"] == "/sign_in"
    assert owner(engine, cookie) is None


def test_signing_out_everywhere_ends_the_other_browsers_too(client, engine, ada):
    cookies = [client.post("/auth/login", data=FORM, headers=OURS).cookies["recux_user"] for _ in range(2)]
    client.cookies.set("recux_user", cookies[0])
    client.post("/auth/logout", data={"everywhere": "1"}, headers=OURS)
    with read_session(engine) as session:
        assert session.exec(select(BrowserSession)).all() == []


def test_leaving_forgets_the_participant_in_this_browser(client, engine, invite):
    cookie = client.get(f"/join/{invite}").cookies["recux_participant"]
    client.cookies.set("recux_participant", cookie)
    assert client.post("/auth/leave", headers=OURS).status_code == 303
    assert owner(engine, cookie) is None


def test_cookies_are_secure_when_the_settings_say_so(client, invite, monkeypatch):
    monkeypatch.setenv("RECUX_SECURE_COOKIES", "1")
    assert "Secure" in client.get(f"/join/{invite}").headers["set-cookie"].split("; ")


@pytest.mark.parametrize("path", ["/api/health", "/api/nothing", "/join/forged"])
def test_every_answer_carries_the_security_headers(client, path):
    expected = {key.lower(): value for key, value in security_headers(Settings()).items()}
    assert client.get(path).headers.items() >= expected.items()


def test_health_and_readiness_are_ok_on_a_current_database(client):
    assert client.get("/api/health").json()["status"] == "ok"
    ready = client.get("/api/ready")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "schema": "ok"})


def test_a_database_without_our_tables_is_alive_but_not_ready(tmp_path, monkeypatch):
    monkeypatch.setenv("RECUX_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    with TestClient(Starlette(routes=routes())) as client:
        assert client.get("/api/health").status_code == 200
        ready = client.get("/api/ready")
    assert ready.status_code == 503
    assert "recux db upgrade" in ready.json()["checks"]["schema"]


def test_an_unreachable_database_is_alive_but_not_ready_and_names_no_password(monkeypatch):
    monkeypatch.setenv("RECUX_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/none")
    with TestClient(Starlette(routes=routes())) as client:
        ready = client.get("/api/ready")
    assert ready.status_code == 503
    assert "cannot be reached" in ready.json()["checks"]["database"]
    assert "secret" not in ready.text


async def _start() -> None:
    async with lifespan(None):
        pass


def test_starting_brings_the_tables_up_to_date(tmp_path, monkeypatch):
    import asyncio

    monkeypatch.setenv("RECUX_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    asyncio.run(_start())
    with TestClient(Starlette(routes=routes())) as client:
        assert client.get("/api/ready").status_code == 200


def test_the_access_log_never_names_an_invite_token(caplog):
    routes()
    log = logging.getLogger("uvicorn.access")
    log.propagate = True
    with caplog.at_level(logging.INFO, logger="uvicorn.access"):
        log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", "/join/secret-token", "1.1", 303)
        log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", "/api/health", "1.1", 200)
    assert "secret-token" not in caplog.text
    assert "/api/health" in caplog.text


def test_a_refused_link_is_explained_in_the_readers_language(client):
    assert "此链接无效" in client.get("/join/forged", headers={"accept-language": "zh-CN,zh;q=0.9"}).text


def test_pictures_come_from_the_named_hosts_and_from_nowhere_else():
    policy = security_headers(Settings(image_hosts="img.example.org, cdn.example.org"))["Content-Security-Policy"]
    assert "img-src 'self' data: blob: https://img.example.org https://cdn.example.org;" in policy
    with pytest.raises(InvalidInput, match="RECUX_IMAGE_HOSTS"):
        security_headers(Settings(image_hosts="x; script-src *"))


@pytest.mark.parametrize(
    ("asked", "kept"),
    [("/rounds?study=shop", "/rounds?study=shop"), ("//evil.example", "/"), ("https://evil.example", "/")],
)
def test_only_an_address_of_this_site_is_kept_on_the_way_to_the_provider(client, monkeypatch, asked, kept) -> None:
    monkeypatch.setenv("RECUX_SECRET_KEY", "k" * 32)
    assert client.post("/auth/provider", data={"next": asked}).status_code == 403, "only from our own pages"
    answer = client.post("/auth/provider", data={"next": asked}, headers=OURS)
    assert answer.headers["location"] == "/sign_in?provider=1"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert wanted.opened(answer.cookies[wanted.WANTED_COOKIE], "k" * 32) == kept
