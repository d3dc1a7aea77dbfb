"""recux in a frame of another site, in a real browser: the frame's own cookie carries the person, and nothing leaks."""

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect
from sqlmodel import select

from db.engine import build_engine, read_session
from db.tables import Interaction, Participant, Rating
from recux.access.embedding import token_for
from recux.settings import Settings
from tests.e2e.conftest import FLAGS
from tests.e2e.people import plant_shop
from tests.e2e.server import Server, free_port

pytestmark = pytest.mark.browser
SECRET = "s" * 40
PAGE = """<!doctype html><title>A shop</title><h1>A shop</h1>
<iframe title="Your opinion" src="{server}/embed/{token}" width="390" height="800"></iframe>
<script>
const recux = (item_id, kind) => navigator.sendBeacon("{server}/api/v1/events", JSON.stringify({{token: "{token}",
  events: [{{item_id, kind, occurred_at: new Date().toISOString()}}]}}));
</script><button onclick="recux('item-1', 'click')">Linen</button>"""


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A web app at http://localhost: to browsers another site than http://127.0.0.1."""
    folder = tmp_path_factory.mktemp("app")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module")
def embedded(
    app: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[tuple[Server, sa.Engine]]:
    home = tmp_path_factory.mktemp("embedded")
    (home / "recux.db").write_bytes(sqlite_template.read_bytes())
    server = Server(home, f"sqlite:///{home / 'recux.db'}", free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "RECUX_SECRET_KEY", SECRET)
        patch.setitem(os.environ, "RECUX_EMBED_HOSTS", f"localhost:{app[1]}")
        server.start()
    engine = build_engine(server.database_url)
    yield server, engine
    engine.dispose()
    server.kill()


def opened(
    context: BrowserContext, app: tuple[Path, int], server: Server, engine: sa.Engine, name: str
) -> tuple[Page, FrameLocator]:
    """The shop's page with the frame of a person called ``name``."""
    study = plant_shop(engine)
    settings = Settings(home=server.home, secret_key=SECRET, _env_file=None)
    token = token_for(settings, study, name, datetime.now(UTC) + timedelta(hours=1))
    (app[0] / "index.html").write_text(PAGE.format(server=server.url, token=token))
    page = context.new_page()
    page.goto(f"http://localhost:{app[1]}/index.html")
    return page, page.frame_locator("iframe")


@pytest.fixture
def strict(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that refuses cookies of other sites, but for those of one frame alone (partitioned)."""
    path = os.environ.get("RECUX_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    browser = chromium.browser_type.launch(executable_path=path, args=[*FLAGS, "--test-third-party-cookie-phaseout"])
    yield browser.new_context(viewport={"width": 800, "height": 1000}, locale="en-US")
    browser.close()


def test_a_person_takes_part_in_a_frame_of_another_site_and_its_beacon_is_kept(strict, app, embedded) -> None:
    server, engine = embedded
    context = strict
    page, frame = opened(context, app, server, engine, "maria")
    frame.get_by_role("button", name="I agree and take part").click()
    stars = frame.locator(".section.framed").nth(0)
    stars.get_by_role("radio", name="4 of 5 stars").click()
    expect(stars.locator(".stars .status")).to_have_text("Saved")
    page.get_by_role("button", name="Linen").click()
    page.reload()
    again = page.frame_locator("iframe").locator(".section.framed").nth(0)
    expect(again.get_by_role("radio", name="4 of 5 stars")).to_be_checked()
    cookies = [one for one in context.cookies() if "participant" in one["name"]]
    assert [(one["sameSite"], one["secure"], one["httpOnly"]) for one in cookies] == [("None", True, True)]
    with read_session(engine) as session:
        maria = session.exec(select(Participant).where(Participant.external_id == "maria")).one()
        assert [one.rating for one in session.exec(select(Rating).where(Rating.participant_id == maria.id))] == [4]
        kinds = session.exec(select(Interaction.kind).where(Interaction.participant_id == maria.id)).all()
        assert "click" in kinds


def test_the_frame_stays_empty_on_a_page_of_a_host_that_is_not_named(new_browser, app, embedded) -> None:
    server, engine = embedded
    context = new_browser()
    page, frame = opened(context, app, server, engine, "eve")
    expect(frame.get_by_role("button", name="I agree and take part")).to_be_visible()
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(f"http://127.0.0.1:{app[1]}/index.html")
    expect(frame.get_by_role("button", name="I agree and take part")).to_have_count(0)
