"""Signing in at an identity provider, and out again, in a real browser against a real (tiny) provider."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, expect

from db.engine import build_engine, write_session
from recux.access.accounts import create_user
from tests.e2e.conftest import DESKTOP
from tests.e2e.provider import provider
from tests.e2e.server import Server, free_port
from tests.planting import plant_study

pytestmark = pytest.mark.browser


def test_a_person_of_the_team_comes_in_by_the_provider_and_a_stranger_does_not(
    new_browser: Callable[..., BrowserContext],
    sqlite_template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(sqlite_template, tmp_path / "recux.db")
    server = Server(tmp_path, f"sqlite:///{tmp_path / 'recux.db'}", free_port())
    engine = build_engine(server.database_url)
    with provider("ada@example.org") as issuer:
        values = {"METADATA_URL": f"{issuer}/.well-known/openid-configuration", "CLIENT_ID": "recux"}
        for name, value in (values | {"CLIENT_SECRET": "s", "TITLE": "Example"}).items():
            monkeypatch.setenv(f"RECUX_OIDC_{name}", value)
        monkeypatch.setenv("RECUX_SECRET_KEY", "k" * 40)
        server.start()
        try:
            page = new_browser(viewport=DESKTOP).new_page()
            page.goto(f"{server.url}/sign_in")
            page.get_by_role("button", name="Use the account of Example").click()
            expect(page.get_by_text("there is no account for")).to_be_visible()
            with write_session(engine) as session:
                create_user(session, "ada@example.org", "correct horse battery", "admin")
            page.reload()
            page.get_by_role("button", name="Continue as ada@example.org").click()
            expect(page.get_by_role("heading", name="Welcome to recux")).to_be_visible()
            page.get_by_role("button", name="Sign out", exact=True).click()
            with write_session(engine) as session:
                plant_study(session, "first")
                plant_study(session, "second")
            page.goto(f"{server.url}/effect?study=second&round=2")
            page.get_by_role("button", name="Use the account of Example").click()
            page.get_by_role("button", name="Continue as ada@example.org").click()
            expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
            where = urlsplit(page.url)
            assert where.path == "/effect", "what was asked for before the provider is shown after it"
            assert parse_qs(where.query)["study"] == ["second"]
        finally:
            server.kill()
            engine.dispose()
