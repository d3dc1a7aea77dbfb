"""The whole job as a new admin does it, in one walk; and axe-core on every admin page."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import Round, Study, Suggestion
from recux.access.accounts import create_user
from recux.evaluation import evaluate_round
from recux.ui.story import ADMIN_PAGES
from tests.e2e.conftest import DESKTOP
from tests.e2e.people import settled
from tests.e2e.server import Server
from tests.e2e.test_accessibility import _serious
from tests.pages.planted import plant_pilot, plant_round, plant_suggestion
from tests.planting import START

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
TABLET = {"width": 820, "height": 1180}
TOO_WIDE = "() => { const main = document.querySelector('.stMain'); return main.scrollWidth - main.clientWidth }"


@pytest.fixture
def admin(served_engine: sa.Engine, server: Server, new_browser: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A new admin at a desk, signed in; script errors fail the test."""
    page = signed_in(served_engine, server, new_browser(viewport=DESKTOP))
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    assert broken == []


def signed_in(engine: sa.Engine, server: Server, context: BrowserContext) -> Page:
    email = f"{uuid4().hex[:8]}@example.org"
    with write_session(engine) as session:
        create_user(session, email, PASSWORD, "admin")
    page = context.new_page()
    page.goto(f"{server.url}/sign_in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.locator(".recux-door button").click()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    return page


def press(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).first.click()


def opened(page: Page, name: str) -> None:
    """Open the fold of this name unless it is open, as the page has it: what can be seen may still be moving."""
    fold = page.locator("details").filter(has=page.locator("summary", has_text=name))
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    expect(fold).to_have_attribute("open", "")


def said(page: Page, text: str) -> None:
    expect(page.get_by_text(text).first).to_be_visible()


def bring_in(page: Page, server: Server, kind: str, study: str, name: str, content: str) -> None:
    """Import a file as people do: choose what it is, upload it, look, import."""
    page.goto(f"{server.url}/import_data?study={study}")
    page.get_by_label("What is in the file?").click()
    page.get_by_role("option", name=kind).click()
    said(page, ", ".join(content.split(",")[:2]))  # the page asks for this kind's columns now
    upload = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    page.locator("input[type=file]").first.set_input_files(upload)
    said(page, "The first rows")
    press(page, "Import")
    said(page, "Imported.")


def test_a_new_admin_goes_from_an_idea_to_a_decision(admin: Page, server: Server, served_engine: sa.Engine) -> None:
    slug = f"walk-{uuid4().hex[:6]}"
    admin.goto(f"{server.url}/studies")
    said(admin, "Set up a new study")
    name, title = admin.get_by_label("Short name, for addresses"), admin.get_by_label("Title").last
    expect(name).to_be_attached()
    settled(admin)
    opened(admin, "Set up a new study")
    for box, words in ((name, slug), (title, "My first pilot")):  # each is taken before the next is filled in
        box.fill(words)
        box.press("Tab")
        admin.wait_for_timeout(300)
        settled(admin)
    expect(title).to_have_value("My first pilot")
    press(admin, "Create as a draft")
    said(admin, "The study is a draft")

    items = "item_id,title,category\n" + "".join(f"i{n},Item {n},c{n % 2}\n" for n in range(6))
    bring_in(admin, server, "Items", slug, "items.csv", items)
    admin.goto(f"{server.url}/studies?study={slug}")
    press(admin, "Launch")
    said(admin, "The study is live")

    stars = "".join(f"p{n},i{k},{1 + (n + k) % 5}\n" for n in range(24) for k in range(4))
    bring_in(admin, server, "Ratings", slug, "ratings.csv", "participant_id,item_id,rating\n" + stars)
    admin.goto(f"{server.url}/people?study={slug}")
    said(admin, "0 of 24 have finished")

    admin.goto(f"{server.url}/rounds?study={slug}")
    admin.get_by_role("button", name=re.compile("Close the batch")).click()
    said(admin, "waits for the worker")
    with write_session(served_engine) as session:  # what the worker does, without the training
        study = session.exec(select(Study).where(Study.slug == slug)).one()
        round_ = session.exec(select(Round).where(Round.study_id == study.id)).one()
        round_.status, round_.started_at, round_.finished_at = "done", START, START
        evaluate_round(session, round_)
        plant_suggestion(session, study, round_)

    admin.goto(f"{server.url}/overview?study={slug}&metric=mean_rating")
    said(admin, "n = 24")
    admin.get_by_role("button", name="What is behind it").last.click()
    said(admin, "96 rows of 24 people")
    admin.get_by_role("button", name="Close").first.click()
    with admin.expect_download() as download:
        admin.get_by_role("button", name="Download the report (HTML)").click()
    assert "My first pilot" in Path(download.value.path()).read_text()

    admin.goto(f"{server.url}/suggestions?study={slug}")
    admin.get_by_role("button", name="Accept").first.click()
    said(admin, "its prediction is frozen")
    with read_session(served_engine) as session:
        mine = select(Suggestion.status).where(Suggestion.study_id == study.id)
        assert session.exec(mine).one() == "accepted"


@pytest.fixture(scope="module")
def pilot(served_engine: sa.Engine) -> str:
    with write_session(served_engine) as session:
        slug = f"axe-{uuid4().hex[:6]}"
        study = plant_pilot(session, slug=slug)
        plant_suggestion(session, study, plant_round(session, study))
        return slug


def test_no_admin_page_has_a_serious_finding_and_none_is_wider_than_a_tablet(
    served_engine: sa.Engine,
    server: Server,
    pilot: str,
    new_browser: Callable[..., BrowserContext],
) -> None:
    options = {"viewport": TABLET, "locale": "zh-CN", "color_scheme": "dark"}  # the harder half: colours and long words
    page = signed_in(served_engine, server, new_browser(**options))
    found = []
    for one in [*(page.name for page in ADMIN_PAGES), "people?view=invite", "people?view=care"]:
        mark = "&" if "?" in one else "?"
        page.goto(f"{server.url}/{one}{mark}study={pilot}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_test_id("stMain").get_by_test_id("stSkeleton")).to_have_count(0)
        page.wait_for_timeout(200)  # charts draw themselves
        found += [(one, finding) for finding in _serious(page)]
        assert page.evaluate(TOO_WIDE) <= 0, one
    assert found == []
