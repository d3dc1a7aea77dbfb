"""Who may do what: every route as nobody, with each scope, and with another study's key."""

from datetime import timedelta

import pytest
from sqlmodel import select

from db.engine import write_session
from db.tables import ApiKey, now
from recux.access.keys import SCOPES, create_key, list_keys, revoke_key
from recux.errors import InvalidInput, NotFound

PERSON = "/studies/shop/participants/ann"
ROUTES = {
    ("POST", "/studies/shop/import/ratings"): "ingest",
    ("GET", PERSON + "/consent"): "collect",
    ("PUT", PERSON + "/consent"): "collect",
    ("POST", PERSON + "/slate"): "collect",
    ("GET", PERSON + "/slate"): "collect",
    ("PUT", PERSON + "/ratings"): "collect",
    ("GET", "/studies/shop/instruments/nps"): "collect",
    ("PUT", PERSON + "/responses/nps/score"): "collect",
    ("POST", PERSON + "/responses/nps/complete"): "collect",
    ("POST", PERSON + "/link"): "collect",
    ("POST", "/studies/shop/predictions/satisfaction"): "predict",
    ("POST", "/studies/shop/predictions/rating"): "predict",
    ("GET", "/studies"): "read",
    ("GET", "/studies/shop"): "read",
    ("GET", "/studies/shop/participants"): "read",
    ("GET", "/studies/shop/items"): "read",
    ("GET", "/studies/shop/ratings"): "read",
    ("GET", "/studies/shop/rounds"): "read",
    ("GET", "/studies/shop/imports"): "read",
    ("GET", "/studies/shop/report"): "read",
}
OPEN = {("GET", "/health"), ("GET", "/ready"), ("POST", "/events")}


def test_the_table_of_routes_is_complete(api):
    paths = api.get("/api/v1/openapi.json").json()["paths"]
    documented = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    names = {"study": "shop", "participant": "ann", "instrument": "nps", "question": "score", "kind": "ratings"}
    filled = {(method, path.format(**names, head="rating")) for method, path in documented}
    assert filled == set(ROUTES) | OPEN


def test_every_route_lets_in_its_scope_and_nobody_else(api):
    for (method, path), needed in ROUTES.items():
        assert api.call(method, path, scope=None, json={}).status_code == 401, path
        for scope in SCOPES:
            status = api.call(method, path, scope=scope, json={}).status_code
            assert (status == 403) == (scope != needed), (method, path, scope, status)
        if "shop" in path:
            assert api.call(method, path, scope="other", json={}).status_code == 403, path


def test_a_participants_or_admins_cookie_opens_nothing(api):
    api.cookies.set("recux_participant", "x" * 22)
    api.cookies.set("recux_user", "x" * 22)
    assert api.call("GET", "/studies", scope=None).status_code == 401


def test_a_key_for_one_study_sees_that_one_alone(api):
    listed = api.call("GET", "/studies", scope="other").json()["data"]
    assert [study["slug"] for study in listed] == ["other"]
    assert len(api.call("GET", "/studies", scope="read").json()["data"]) == 2


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic rx", "Bearer rx_00000000_" + "a" * 32])
def test_what_is_no_key_is_refused_before_the_body_is_read(api, header):
    answer = api.call(
        "POST", "/studies/shop/import/ratings", scope=None, headers={"Authorization": header}, content="{"
    )
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_revoked_key_and_an_expired_one_stop_working(api):
    with write_session(api.engine) as session:
        row, secret = create_key(session, "short", ["read"], expires_at=now() + timedelta(hours=1))
        row.expires_at = now()
        session.add(row)
        revoke_key(session, api.keys["read"])
    for key in (secret, api.keys["read"]):
        assert api.get("/api/v1/studies", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_the_database_holds_no_key(api):
    with write_session(api.engine) as session:
        stored = [row.model_dump_json() for row in session.exec(select(ApiKey))]
        assert {key.prefix for key, _ in list_keys(session)} == {secret[:11] for secret in api.keys.values()}
    assert not any(secret[12:] in row for secret in api.keys.values() for row in stored)


def test_a_key_that_asks_too_often_waits(api):
    with write_session(api.engine) as session:
        slow = create_key(session, "slow", ["read"], per_minute=60).secret
    answers = [api.get("/api/v1/studies", headers={"Authorization": f"Bearer {slow}"}) for _ in range(12)]
    assert [answer.status_code for answer in answers].count(429) >= 1
    assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "wrong", [{"scopes": ["all"]}, {"scopes": []}, {"name": " "}, {"per_minute": 0}, {"expires_at": now()}]
)
def test_a_key_that_makes_no_sense_is_not_made(api, wrong):
    with write_session(api.engine) as session, pytest.raises(InvalidInput):
        create_key(session, **{"name": "x", "scopes": ["read"], **wrong})
    with write_session(api.engine) as session, pytest.raises(NotFound):
        revoke_key(session, "rx_nothing1")
