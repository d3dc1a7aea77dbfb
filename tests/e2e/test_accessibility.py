"""axe-core finds nothing serious on any participant page: phone and desktop, both languages, light and dark.

With ``RECUX_SCREENSHOTS=FOLDER`` the pages are also kept as pictures, for people to look at.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from db.engine import write_session
from db.tables import Study
from recux.access.open_links import come_in, open_link
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.people import ITEMS, invite, keep_kinds, plant_shop, settled
from tests.e2e.server import Server

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("RECUX_SCREENSHOTS")
NEXT = "stBaseButton-primary"
STILL = """*,*::before,*::after{transition:none!important;animation:none!important}
[data-stale=true]{opacity:1!important}"""
"""Nothing moves, and what a run that begins meanwhile is about to draw anew is as dark as it will be."""


@pytest.mark.parametrize(
    ("viewport", "locale", "scheme"),
    [(PHONE, "en-US", "light"), (PHONE, "zh-CN", "dark"), (DESKTOP, "en-US", "light"), (DESKTOP, "zh-CN", "dark")],
)
def test_no_participant_page_has_a_serious_finding(
    new_browser: Callable[..., BrowserContext],
    served_engine: sa.Engine,
    server: Server,
    viewport: dict[str, int],
    locale: str,
    scheme: str,
) -> None:
    steps = ["consent", "preferences", "slate", "questionnaires", "thanks"]
    ends = {"own_answers": True, "debrief": {"en": "About *order*."}}
    two_lists = {"arms": ("one", "other"), "design": "crossover", "slate_size": 2, "per_list": ["nps"]}
    study = plant_shop(served_engine, instruments=["nps", "umux_lite", "kinds"], steps=steps, **ends, **two_lists)
    with write_session(served_engine) as session:
        keep_kinds(session, study)
        link = f"{server.url}/join/{open_link(session, session.get_one(Study, study.id), cap=None)}"
    page = new_browser(viewport=viewport, locale=locale, color_scheme=scheme).new_page()
    page.goto(link)
    found = []
    for name in _walk(page):
        if name != "door":
            settled(page)
        found += [(name, finding) for finding in _serious(page)]
        if PICTURES:
            place = "phone" if viewport is PHONE else "desktop"
            page.screenshot(path=Path(PICTURES) / f"{name}-{place}-{locale[:2]}-{scheme}.png")
    assert found == []


def _walk(page: Page) -> Iterator[str]:
    """Each page in turn, once it is there and its questions are answered."""
    heading = page.get_by_role("heading", level=1)
    yield "door"
    page.get_by_role("button").click()
    expect(page.get_by_test_id(NEXT)).to_be_visible()
    expect(heading).to_be_visible()
    yield "welcome"
    page.get_by_test_id(NEXT).click()
    expect(page.get_by_test_id("stCheckbox")).to_have_count(len(ITEMS))
    page.locator(".chips").get_by_role("checkbox").first.click()
    yield "preferences"
    page.get_by_test_id(NEXT).click()
    yield from _rate(page, "rate", "nps")
    yield from _rate(page, "rate_second", "nps_second")
    expect(page.locator(".scale")).to_have_count(2)
    page.get_by_test_id(NEXT).click()  # not answered yet: the warning is there
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    expect(page.locator(".status.bad")).to_have_count(2)  # each says that it is not answered
    yield "umux_lite"
    _refuse_all(page)
    page.get_by_test_id(NEXT).click()
    expect(page.get_by_role("slider")).to_have_count(1)
    yield "kinds_fresh"
    for group in page.locator("fieldset").all()[:2]:
        group.locator("input").nth(1).click()
    page.get_by_role("slider").click()
    page.locator(".stars").get_by_role("radio").nth(3).click()
    page.get_by_role("textbox").fill("42")
    expect(page.locator(".status:not(:empty)")).to_have_count(5)
    yield "kinds"
    page.get_by_test_id(NEXT).click()
    expect(page.locator("fieldset")).to_have_count(0)
    settled(page)
    page.get_by_test_id("stExpander").locator("summary").click()
    expect(page.get_by_test_id("stExpander")).to_contain_text(ITEMS[0][0])
    yield "thanks"
    page.get_by_test_id("stPageLink").get_by_role("link").click()
    expect(page.get_by_test_id("stDownloadButton").first).to_be_visible()
    yield "my_data"


def _rate(page: Page, name: str, then: str) -> Iterator[str]:
    """One list of two items, and what is asked about it."""
    expect(page.locator(".stars")).to_have_count(2)
    for group in page.locator(".stars").all():
        group.get_by_role("radio").nth(2).click()
    expect(page.locator(".stars .status:not(:empty)")).to_have_count(2)
    page.locator(".stMain").evaluate("e => e.scrollTo(0, 0)")
    yield name
    page.get_by_test_id(NEXT).click()
    expect(page.locator(".scale")).to_have_count(1)
    page.get_by_role("radio", name="4", exact=True).click()
    expect(page.locator(".text textarea")).to_be_visible()
    yield then
    page.get_by_test_id(NEXT).click()
    expect(page.get_by_role("textbox")).to_have_count(0)


def _refuse_all(page: Page) -> None:
    for group in page.locator(".scale").all():
        group.get_by_role("radio").last.click()


def _serious(page: Page) -> list[str]:
    page.add_style_tag(content=STILL)
    violations = Axe().run(page).response["violations"]
    return [
        f"{found['id']}: {node['html'][:200]} {node['failureSummary']}"
        for found in violations
        if found["impact"] in {"serious", "critical"}
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_no_closed_door_has_a_serious_finding(
    new_browser: Callable[..., BrowserContext], served_engine: sa.Engine, server: Server, locale: str
) -> None:
    page = new_browser(locale=locale).new_page()
    found = []
    for name, address in _closed_doors(served_engine, server):
        page.goto(address)
        expect(page.get_by_role("heading", level=1).or_(page.get_by_test_id("stAlert")).first).to_be_visible()
        found += [(name, finding) for finding in _serious(page)]
        page.context.clear_cookies()
    assert found == []


def _closed_doors(engine: sa.Engine, server: Server) -> Iterator[tuple[str, str]]:
    """The pages of people who cannot come in, or not any more."""
    yield "no invite", f"{server.url}/"
    yield "unknown link", f"{server.url}/join/{'x' * 22}"
    for status in ("draft", "paused", "closed"):
        study = plant_shop(engine)
        link, _person = invite(engine, server, study)
        with write_session(engine) as session:
            session.get_one(Study, study.id).status = status
        yield status, link
    study = plant_shop(engine)
    with write_session(engine) as session:
        token = open_link(session, session.get_one(Study, study.id), cap=1)
        come_in(session, token, {}, secret="")
    yield "full", f"{server.url}/join/{token}"
