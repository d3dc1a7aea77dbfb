"""An admin with a real browser: deep link, sign-in, overview, another page, an invite, sign-out."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import ConsentText, Study, Suggestion
from recux.access.accounts import create_user
from recux.ui.story import ADMIN_PAGES, CHAPTERS
from tests.e2e.conftest import DESKTOP
from tests.e2e.server import Server
from tests.pages.planted import plant_pilot, plant_round, plant_suggestion

pytestmark = pytest.mark.browser
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"


@pytest.fixture(scope="module")
def pilot(served_engine: sa.Engine) -> Study:
    with write_session(served_engine) as session:
        create_user(session, EMAIL, PASSWORD, "admin")
        study = plant_pilot(session)
        session.add(ConsentText(study_id=study.id, language="en", text="Do you agree?"))
        plant_suggestion(session, study, plant_round(session, study))
        return study


@pytest.fixture
def desk(new_browser: Callable[..., BrowserContext]) -> Page:
    """A page on a desk, whose script errors fail the test."""
    page = new_browser(viewport=DESKTOP).new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    assert broken == []


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, level=1)).to_be_visible()


def test_signing_in_leads_to_the_overview_with_figures_and_charts(desk, server: Server, pilot) -> None:
    sign_in(desk, f"{server.url}/sign_in")
    heading(desk, "How satisfied are people?")
    expect(desk.get_by_text("Synthetic data")).to_be_visible()
    expect(desk.get_by_text("n = 24").first).to_be_visible()
    expect(desk.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first).to_be_visible()


def test_a_deep_link_survives_the_sign_in(desk, server: Server, pilot) -> None:
    sign_in(desk, f"{server.url}/suggestions?study={pilot.slug}")
    heading(desk, "What should change next?")
    assert desk.url.startswith(f"{server.url}/suggestions?study={pilot.slug}")


def test_a_link_to_a_split_of_the_front_page_keeps_it(desk, server: Server, pilot) -> None:
    sign_in(desk, f"{server.url}/overview?study={pilot.slug}&by=cohort&period=day")
    heading(desk, "How satisfied are people?")
    expect(desk.get_by_role("heading", name="By cohort")).to_be_visible()
    expect(desk.get_by_role("heading", name="Day by day")).to_be_visible()


def test_a_wrong_password_is_said_and_the_link_is_not_lost(desk, server: Server, pilot) -> None:
    desk.goto(f"{server.url}/rounds")
    desk.get_by_label("E-mail").fill(EMAIL)
    desk.get_by_label("Password").fill("not this one")
    desk.get_by_role("button", name="Sign in").click()
    expect(desk.get_by_text("E-mail or password is wrong")).to_be_visible()
    desk.get_by_label("E-mail").fill(EMAIL)
    desk.get_by_label("Password").fill(PASSWORD)
    desk.get_by_role("button", name="Sign in").click()
    heading(desk, "Round 1: done")


def test_every_page_opens_from_the_sidebar_and_survives_a_reload(desk, server: Server, pilot) -> None:
    sign_in(desk, f"{server.url}/sign_in")
    heading(desk, "How satisfied are people?")
    links = desk.get_by_test_id("stSidebar").get_by_test_id("stPageLink")
    expect(links).to_have_count(len(ADMIN_PAGES))
    for number, page in enumerate(sorted(ADMIN_PAGES, key=lambda one: CHAPTERS.index(one.chapter))):
        links.nth(number).click()
        expect(desk).to_have_url(re.compile(rf"/{'' if page.name == 'overview' else page.name}(\?|$)"))
        expect(desk.get_by_role("heading", level=1)).to_be_visible()
        expect(desk.get_by_test_id("stException")).to_have_count(0)
    desk.reload()
    heading(desk, "can sign in")
    assert desk.url.startswith(f"{server.url}/team")


def test_accepting_a_suggestion_in_the_browser_is_stored(desk, server: Server, pilot, served_engine) -> None:
    sign_in(desk, f"{server.url}/suggestions?study={pilot.slug}")
    desk.get_by_role("button", name="Accept").click()
    expect(desk.get_by_text("its prediction is frozen")).to_be_visible()
    with read_session(served_engine) as session:
        mine = select(Suggestion.status).where(Suggestion.study_id == pilot.id)
        assert session.exec(mine).one() == "accepted"


def test_an_admin_tries_a_link_as_a_participant_and_comes_back(desk, server: Server, pilot) -> None:
    sign_in(desk, f"{server.url}/people?view=invite")
    desk.get_by_role("button", name="Make invite links").click()
    with desk.expect_download() as download:
        desk.get_by_role("button", name="Download as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "participant_id,link"
    desk.goto(lines[1].split(",")[1])
    heading(desk, "Welcome")
    desk.get_by_role("button", name="Leave the participant's view").click()
    heading(desk, "How satisfied are people?")


def test_signing_out_in_one_tab_closes_the_other(new_browser, server: Server, pilot) -> None:
    context = new_browser(viewport=DESKTOP)
    first, second = context.new_page(), context.new_page()
    sign_in(first, f"{server.url}/sign_in")
    heading(first, "How satisfied are people?")
    second.goto(f"{server.url}/rounds")
    heading(second, "Round 1: done")
    first.get_by_role("button", name="Sign out").click()
    heading(first, "Sign in to recux")
    second.get_by_test_id("stSidebar").get_by_test_id(
        "stPageLink"
    ).first.click()  # an open page runs again, with its old cookie
    heading(second, "Sign in to recux")


@pytest.mark.parametrize("path", ["/people", "/team", "/overview", "/pages/admin/team", "/admin/team"])
def test_a_stranger_never_receives_an_admin_page(desk, server: Server, pilot, path) -> None:
    frames: list[str] = []
    desk.on("websocket", lambda ws: ws.on("framereceived", lambda data: frames.append(str(data))))
    desk.goto(f"{server.url}{path}")
    desk.wait_for_timeout(1500)  # nested addresses stay blank, so there is nothing else to wait for
    assert not any("ada@example.org" in frame or "Make invite links" in frame for frame in frames)
