"""One person with a real browser and a wrong clock, by an open link through every step that a study may have."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import col, select

from db.engine import read_session, write_session
from db.tables import Interaction, Participant, Rating, Response, Study
from recux.access.open_links import open_link
from tests.e2e.people import plant_shop
from tests.e2e.server import Server

pytestmark = pytest.mark.browser
SMALLEST = {"width": 320, "height": 700}
WRONG_CLOCK = "const now = Date.now.bind(Date); Date.now = () => now() - 20 * 365 * 86400e3;"


@pytest.fixture(scope="module")
def link(served_engine: sa.Engine, server: Server) -> str:
    study = plant_shop(served_engine, steps=["consent", "preferences", "slate", "questionnaires", "thanks"])
    with write_session(served_engine) as session:
        stored = session.get_one(Study, study.id)
        stored.shuffle, stored.debrief, stored.instruments = True, {"en": "It was about order."}, ["csat"]
        return f"{server.url}/join/{open_link(session, stored, cap=2)}"


def rows(engine: sa.Engine, person: Participant, table: type) -> list:
    with read_session(engine) as session:
        of_person = select(table).where(table.participant_id == person.id)
        return list(session.exec(of_person.order_by(col(table.id))))


def newest(engine: sa.Engine) -> Participant:
    with read_session(engine) as session:
        return session.exec(select(Participant).order_by(col(Participant.id).desc())).first()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_an_open_link_leads_through_every_step_on_the_smallest_phone(
    new_browser: Callable[..., BrowserContext], served_engine: sa.Engine, link: str
) -> None:
    page = new_browser(viewport=SMALLEST).new_page()
    page.add_init_script(WRONG_CLOCK)
    page.goto(link)
    assert fits(page)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="I agree and take part").click()
    expect(page.get_by_role("heading", name="What do you like?")).to_be_visible()
    assert "/join" not in page.url
    page.locator(".chips").get_by_role("checkbox", name="Knits").click()  # an item of that name stands below, too
    expect(page.locator(".chips .status")).to_have_text("Saved")
    search = page.get_by_label("Search for something you like")
    search.fill("silk")
    search.press("Enter")
    expect(page.get_by_text("Merino crew sweater")).to_have_count(0)
    page.get_by_text("Silk blouse").click()
    assert fits(page)
    expect(page.get_by_role("checkbox", name="Silk blouse")).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Recommended for you")).to_be_visible()
    cards = page.locator(".section.framed")
    expect(cards).to_have_count(3)  # what was picked is not recommended back
    cards.nth(0).get_by_role("radio", name="5 of 5 stars").click()
    cards.nth(1).get_by_role("checkbox", name="Not for me").click()
    cards.nth(1).get_by_role("checkbox", name="I know it already").click()
    expect(cards.nth(1).locator(".chips .status")).to_have_text("Saved")
    assert fits(page)
    page.wait_for_timeout(1200)
    page.reload()
    expect(cards.nth(1).get_by_role("checkbox", name="Not for me")).to_be_checked()
    expect(cards.nth(0).get_by_role("radio", name="5 of 5 stars")).to_be_checked()
    expect(page.get_by_text("2 of 4 answered")).to_be_visible()
    cards.nth(1).get_by_role("checkbox", name="I know it already").click()
    expect(cards.nth(1).locator(".chips .status")).to_have_text("Saved")
    cards.nth(2).get_by_role("checkbox", name="Not for me").click()
    expect(page.get_by_text("3 of 4 answered")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("radio", name="4", exact=True).click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("It was about order.")).to_be_visible()
    person = newest(served_engine)
    assert (person.came_by, person.interests, person.finished_at is not None) == ("open", ["Knits"], True)
    acts = rows(served_engine, person, Interaction)
    assert sorted(act.kind for act in acts if act.kind != "view") == ["dismiss", "dismiss", "like"]
    assert any(act.kind == "view" and act.dwell_ms >= 1000 for act in acts)
    assert [rating.rating for rating in rows(served_engine, person, Rating)] == [5]
    assert [one.instrument for one in rows(served_engine, person, Response)] == ["csat"]


def test_the_second_browser_is_another_person_and_the_third_finds_the_study_full(
    new_browser: Callable[..., BrowserContext], link: str
) -> None:
    second, third = (new_browser(locale="zh-CN").new_page() for _ in range(2))
    second.goto(link)
    second.get_by_role("button", name="开始").click()
    expect(second.get_by_role("heading", name="欢迎")).to_be_visible()
    third.goto(link)
    expect(third.get_by_text("名额已满")).to_be_visible()
