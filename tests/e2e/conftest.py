"""A real server and a real browser. Where no browser is installed these tests skip, but never in CI."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from db.engine import build_engine
from tests.e2e.server import Server, free_port

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
expect.set_options(timeout=15_000)  # two cores, shared with whatever else runs


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Server]:
    """A running web process on a fresh SQLite database, shared by the tests of a session."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(sqlite_template, home / "recux.db")
    server = Server(home, f"sqlite:///{home / 'recux.db'}", free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def served_engine(server: Server) -> Iterator[sa.Engine]:
    """An engine on the database of the running server."""
    engine = build_engine(server.database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The installed Chromium, headless."""
    path = os.environ.get("RECUX_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        assert not os.environ.get("CI"), "CI must have a Chromium: browser tests never skip there"
        pytest.skip("no Chromium found; install one, or name it in RECUX_TEST_BROWSER")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_browser(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Open a browser without cookies: ``new_browser(viewport=PHONE, locale="zh-CN", color_scheme="dark")``."""
    opened: list[BrowserContext] = []

    def open_one(**options: object) -> BrowserContext:
        context = chromium.new_context(**({"viewport": PHONE, "locale": "en-US"} | options))
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def phone(new_browser: Callable[..., BrowserContext]) -> Page:
    """A page on a phone, in English."""
    return new_browser().new_page()
