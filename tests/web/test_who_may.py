"""Who may what: the table of docs/security.md is made from the code here, and every route holds to it.

    python -m tests.web.test_who_may        prints the table anew

That each page opens for its roles and for nobody else is walked through in tests/pages/test_doors.py.
"""

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from db.engine import engine_for, write_session
from recux.access.keys import SCOPES, create_key
from recux.access.sessions import start_session
from recux.api.v1 import create_v1
from recux.settings import Settings
from recux.ui.story import ADMIN_PAGES, PARTICIPANT_PAGES
from recux.web import middleware, routes
from tests.planting import plant_person, plant_study

DOC = Path(__file__).parent.parent.parent / "docs" / "security.md"
ROLES = ("viewer", "analyst", "admin")
WHO = ("nobody", "participant", *ROLES)
FORMS = {"/auth/login", "/auth/provider", "/auth/oidc", "/auth/logout", "/auth/leave", "/seen"}
"""They change something by cookie, so they take nothing from other sites."""
BEACON = {"/api/v1/events": "whoever has the token of a link that has not run out, from RECUX_EMBED_HOSTS"}
OURS = {
    "/join": "everybody: where an opened link leads",
    "/join/{token}": "whoever has the link, which tells who they are",
    "/embed/{token}": "whoever has a signed link that has not run out, in frames of RECUX_EMBED_HOSTS alone",
    "/auth/login": "everybody, from our own pages; five wrong passwords lock the account for a time",
    "/auth/provider": "anybody, from our own pages: it keeps an address in the own browser",
    "/auth/oidc": "whoever the identity provider names, from our own pages",
    "/auth/logout": "everybody, from our own pages: ends the browser's own session",
    "/auth/leave": "everybody, from our own pages: forgets the browser's own participant",
    "/seen": "the browser's own participant, from our own pages",
    "/shared/{token}": "whoever has a link to a report that has not run out and was not revoked: reads that report",
    "/metrics": "this machine; from elsewhere only with RECUX_METRICS_TOKEN",
    "/_stcore/metrics": "this machine; from elsewhere only with RECUX_METRICS_TOKEN",
    "/api/health": "everybody: says that the process lives",
    "/api/ready": "everybody: says whether the database answers and has our tables; no names, no addresses",
}


def api_routes():
    """Address, method and scope (None: open) of every operation of the API."""
    paths = create_v1(Settings(_env_file=None)).openapi()["paths"]
    return [
        (f"/api/v1{path}", method.upper(), operation["security"][0]["key"][0] if operation.get("security") else None)
        for path, operations in sorted(paths.items())
        for method, operation in sorted(operations.items())
    ]


def table() -> str:
    """The table, as it stands in the document."""
    lines = [f"| | {' | '.join(WHO)} |", "|---|" + "---|" * len(WHO)]
    for name in PARTICIPANT_PAGES:
        lines.append(f"| page `{name}` | no | own data | {' | '.join(['no'] * 3)} |")
    for page in ADMIN_PAGES:
        reached = ["yes" if ROLES.index(role) >= ROLES.index(page.role) else "no" for role in ROLES]
        lines.append(f"| page `{page.name}` | no | no | {' | '.join(reached)} |")
    lines += ["", "| route | who |", "|---|---|"]
    lines += [f"| `{path}` | {who} |" for path, who in OURS.items()]
    for path, method, scope in api_routes():
        who = f"a key with the scope `{scope}`" if scope else BEACON.get(path, "everybody")
        lines.append(f"| `{method} {path}` | {who} |")
    return "\n".join(lines)


def test_the_document_says_what_the_code_does():
    said = DOC.read_text(encoding="utf-8").split("<!-- who may what -->")[1].strip()
    assert said == table(), "docs/security.md is behind; `python -m tests.web.test_who_may` prints the table"


def test_every_route_of_ours_is_in_the_table():
    assert {route.path for route in routes() if isinstance(route, Route)} <= OURS.keys()


@pytest.fixture
def cookies(sqlite_url, monkeypatch):
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    from db.tables import User

    with write_session(engine_for(sqlite_url)) as session:
        person = plant_person(session, plant_study(session), "ann")
        found = {
            "nobody": {},
            "participant": {"recux_participant": start_session(session, participant=person, hours=1)},
        }
        for role in ROLES:
            user = User(email=f"{role}@example.org", password_hash="x", role=role)
            session.add(user)
            session.flush()
            found[role] = {"recux_user": start_session(session, user=user, hours=1)}
        keys = {scope: create_key(session, scope, [scope]).secret for scope in SCOPES}
    return found, keys


def test_a_cookie_of_any_role_opens_nothing_of_the_api_and_a_key_only_what_its_scope_names(cookies):
    jars, keys = cookies
    app = Starlette(routes=routes(), middleware=middleware())
    browsers = {who: TestClient(app, cookies=jar) for who, jar in jars.items()}
    checked = 0
    for path, method, scope in api_routes():
        if scope is None:
            continue
        address = re.sub(r"\{[^}]+\}", "x", path)
        for who, browser in browsers.items():
            assert browser.request(method, address).status_code == 401, (who, method, path)
        for other, key in keys.items():
            if other != scope:
                answer = browsers["nobody"].request(method, address, headers={"authorization": f"Bearer {key}"})
                assert answer.status_code == 403, (other, method, path)
        checked += 1
    assert checked >= 10


def test_forms_from_elsewhere_change_nothing_whoever_is_signed_in(cookies):
    jars, _keys = cookies
    app = Starlette(routes=routes(), middleware=middleware())
    for who, jar in jars.items():
        browser = TestClient(app, cookies=jar, follow_redirects=False)
        for path in sorted(FORMS):
            for headers in ({"origin": "https://evil.test"}, {"origin": "null"}, {}):
                answer = browser.post(path, data={"email": "a@b.c", "password": "x"}, headers=headers)
                assert answer.status_code in {400, 403, 404}, (who, path, headers)
                assert "set-cookie" not in answer.headers


def test_figures_open_to_no_cookie(cookies):
    jars, _keys = cookies
    app = Starlette(routes=routes(), middleware=middleware())
    for jar in jars.values():
        browser = TestClient(app, cookies=jar, client=("203.0.113.7", 1))
        assert browser.get("/metrics").status_code == 403


if __name__ == "__main__":
    print(table())
