"""A person with a real browser: from the invite link to the thanks, with all that can happen on the way."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlmodel import Session, col, select

from db.engine import build_engine, read_session, write_session
from db.tables import Answer, Item, Participant, Rating, Response, Study
from tests.e2e.conftest import DESKTOP
from tests.e2e.people import ITEMS, invite, plant_shop
from tests.e2e.server import Server, free_port

pytestmark = pytest.mark.browser
SMALL = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def study(served_engine: sa.Engine) -> Study:
    return plant_shop(served_engine)


@pytest.fixture
def ann(served_engine: sa.Engine, server: Server, study: Study) -> tuple[str, Participant]:
    """An invite link, and whose it is."""
    return invite(served_engine, server, study)


def ratings(engine: sa.Engine, person: Participant) -> list[Rating]:
    with read_session(engine) as session:
        of_person = select(Rating).where(Rating.participant_id == person.id)
        return list(session.exec(of_person.order_by(col(Rating.id))))


def answers(engine: sa.Engine, person: Participant) -> list[Answer]:
    with read_session(engine) as session:
        return _answers(session, person)


def _answers(session: Session, person: Participant) -> list[Answer]:
    joined = select(Answer).join(Response, col(Response.id) == Answer.response_id)
    return list(session.exec(joined.where(Response.participant_id == person.id).order_by(col(Answer.id))))


def agree(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="I agree and take part").click()
    expect(page.get_by_role("heading", name="Recommended for you")).to_be_visible()


def card(page: Page, number: int) -> Locator:
    return page.locator(".section.framed").nth(number)


def star(page: Page, number: int, value: int) -> Locator:
    return card(page, number).get_by_role("radio", name=f"{value} of 5 stars")


def click_star(page: Page, number: int, value: int) -> None:
    star(page, number, value).click()
    expect(card(page, number).locator(".stars .status")).to_have_text("Saved")


def test_a_walk_from_the_invite_to_the_thanks_stores_every_answer(
    phone: Page, served_engine: sa.Engine, ann: tuple[str, Participant]
) -> None:
    link, person = ann
    phone.goto(link)
    expect(phone.get_by_role("heading", name="Welcome")).to_be_visible()
    assert "/join/" not in phone.url
    phone.get_by_role("button", name="I agree and take part").click()
    for number in range(len(ITEMS)):
        click_star(phone, number, 5 - number)
    card(phone, 3).get_by_label("What makes you say so?").fill("A bit dear.")
    expect(card(phone, 3).locator(".text .status")).to_have_text("Saved")
    expect(phone.get_by_text("4 of 6 answered")).to_be_visible()
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_role("radio", name="9", exact=True).click()
    phone.get_by_label("What is the main reason for your score?").fill("Quick, and well chosen.")
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_role("group", name="All in all")).to_be_visible()
    phone.get_by_role("radio", name="4", exact=True).click()
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_role("heading", name="Thank you!")).to_be_visible()
    expect(phone.get_by_text("6 of 6 answered")).to_be_visible()
    assert [(r.rating, r.comment) for r in ratings(served_engine, person) if r.current] == [
        (5, None),
        (4, None),
        (3, None),
        (2, "A bit dear."),
    ]
    said = [(a.value, a.text) for a in answers(served_engine, person) if a.current]
    assert said == [(9, None), (None, "Quick, and well chosen."), (4, None)]
    with read_session(served_engine) as session:
        assert session.get_one(Participant, person.id).finished_at is not None


def test_nothing_is_chosen_beforehand_and_stars_speak(phone: Page, ann: tuple[str, Participant]) -> None:
    agree(phone, ann[0])
    assert phone.locator(".board").get_by_role("radio", checked=True).count() == 0
    title = card(phone, 0).get_by_role("heading").inner_text()
    group = phone.get_by_role("group", name=f"Your rating {title}")
    assert [radio.get_attribute("aria-label") for radio in group.get_by_role("radio").all()] == [
        f"{n} of 5 stars" for n in range(1, 6)
    ]


def test_a_double_click_is_one_rating(phone: Page, served_engine: sa.Engine, ann: tuple[str, Participant]) -> None:
    agree(phone, ann[0])
    star(phone, 0, 4).dblclick()
    expect(card(phone, 0).locator(".stars .status")).to_have_text("Saved")
    expect(star(phone, 0, 4)).to_be_checked()
    phone.wait_for_timeout(300)
    assert [(r.rating, r.current) for r in ratings(served_engine, ann[1])] == [(4, True)]


def test_a_reload_and_another_device_go_on_where_it_stopped(
    phone: Page, new_browser: Callable[..., BrowserContext], ann: tuple[str, Participant]
) -> None:
    agree(phone, ann[0])
    click_star(phone, 1, 3)
    phone.reload()
    expect(star(phone, 1, 3)).to_be_checked()
    desk = new_browser(viewport=DESKTOP).new_page()
    desk.goto(ann[0])
    expect(desk.get_by_role("heading", name="Recommended for you")).to_be_visible()
    expect(star(desk, 1, 3)).to_be_checked()
    click_star(desk, 1, 5)
    click_star(phone, 0, 1)  # the phone's run brings the desk's change along, and does not undo it
    expect(star(phone, 1, 5)).to_be_checked()


def test_a_half_written_comment_survives_a_reload(
    phone: Page, served_engine: sa.Engine, ann: tuple[str, Participant]
) -> None:
    agree(phone, ann[0])
    click_star(phone, 0, 2)
    card(phone, 0).get_by_label("What makes you say so?").press_sequentially("Too")
    phone.reload()  # before the pause after which it is sent
    expect(card(phone, 0).get_by_label("What makes you say so?")).to_have_value("Too")
    expect(card(phone, 0).locator(".text .status")).to_have_text("Saved")
    assert [r.comment for r in ratings(served_engine, ann[1]) if r.current] == ["Too"]


def test_a_comment_that_is_too_long_says_so_and_is_not_cut(
    phone: Page, served_engine: sa.Engine, ann: tuple[str, Participant]
) -> None:
    agree(phone, ann[0])
    click_star(phone, 0, 2)
    area = card(phone, 0).get_by_label("What makes you say so?")
    area.fill("x" * 20_000)
    expect(card(phone, 0).locator(".text .status")).to_have_text("Too long by 15000 characters; not saved yet")
    phone.reload()
    expect(card(phone, 0).locator(".text .status")).to_have_text("Too long by 15000 characters; not saved yet")
    expect(area).to_have_value("x" * 20_000)
    assert [r.comment for r in ratings(served_engine, ann[1])] == [None]
    area.fill("short")
    expect(card(phone, 0).locator(".text .status")).to_have_text("Saved")
    assert [r.comment for r in ratings(served_engine, ann[1]) if r.current] == ["short"]


def test_the_language_changes_at_any_moment_without_losing_answers(
    new_browser: Callable[..., BrowserContext], ann: tuple[str, Participant]
) -> None:
    page = new_browser(locale="zh-CN").new_page()
    page.goto(ann[0])
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="我同意并参与").click()
    page.locator(".section.framed").nth(0).get_by_role("radio", name="5 颗星中的 4 颗").click()
    expect(page.get_by_text("已保存")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Recommended for you")).to_be_visible()
    expect(star(page, 0, 4)).to_be_checked()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_keyboard_alone_reaches_the_thanks_of_the_whole_default_pilot(
    phone: Page, served_engine: sa.Engine, server: Server
) -> None:
    study = plant_shop(served_engine, items=4, slate_size=8, instruments=["nps", "csat", "resque"])
    link, person = invite(served_engine, server, study)
    phone.add_init_script("window.byMouse = 0; addEventListener('pointerdown', () => window.byMouse++, true)")
    phone.goto(link)
    expect(phone.get_by_role("button", name="I agree and take part")).to_be_visible()
    _tab_to(phone, "I agree and take part")
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("heading", name="Recommended for you")).to_be_visible()
    expect(phone.locator(".stars")).to_have_count(8)
    for number in range(8):
        _tab_to(phone, "1 of 5 stars")
        phone.keyboard.press("Space")
        phone.keyboard.press("ArrowRight")
        phone.keyboard.press("Tab")
        expect(star(phone, number, 2)).to_be_checked()
    _tab_to(phone, "(?s)What makes you say so.*")
    phone.keyboard.type("by keyboard")
    _tab_to(phone, "Continue")
    phone.keyboard.press("Enter")
    for questions in (1, 1, 15):
        expect(phone.locator(".scale")).to_have_count(questions)
        title = phone.get_by_role("heading", level=1).inner_text()
        for _question in range(questions):
            _tab_to(phone, r"[01]: .*")
            for _arrow in range(3):
                phone.keyboard.press("ArrowRight")
        _tab_to(phone, "Continue")
        phone.keyboard.press("Enter")
        expect(phone.get_by_role("heading", name=title)).to_have_count(0)
    expect(phone.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert phone.evaluate("window.byMouse") == 0
    current = [r for r in ratings(served_engine, person) if r.current]
    assert [r.rating for r in current] == [2] * 8
    assert [r.comment for r in current if r.comment] == ["by keyboard"]
    assert [a.value for a in answers(served_engine, person) if a.current] == [3, 4] + [4] * 15


def test_the_keyboard_s_focus_stays_on_continue_when_the_last_star_is_saved(
    phone: Page, served_engine: sa.Engine, server: Server
) -> None:
    link, _ = invite(served_engine, server, plant_shop(served_engine, slate_size=1, instruments=["nps"]))
    agree(phone, link)
    _tab_to(phone, "1 of 5 stars")
    phone.keyboard.press("Space")
    _tab_to(phone, "Continue")
    expect(phone.get_by_text("1 of 2 answered")).to_be_visible()
    phone.wait_for_timeout(500)  # the page is drawn anew, since everything is rated now
    expect(phone.get_by_role("button", name="Continue")).to_be_focused()
    phone.keyboard.press("Enter")
    expect(phone.locator(".scale")).to_have_count(1)


def test_the_keyboard_alone_picks_preferences_and_shows_where_it_is(
    phone: Page, served_engine: sa.Engine, server: Server
) -> None:
    study = plant_shop(served_engine, steps=["consent", "preferences", "slate", "questionnaires", "thanks"])
    link, person = invite(served_engine, server, study)
    phone.goto(link)
    phone.get_by_role("button", name="I agree and take part").click()
    expect(phone.get_by_test_id("stCheckbox")).to_have_count(len(ITEMS))
    _tab_to(phone, "Knits")
    phone.keyboard.press("Space")
    expect(phone.locator(".chips .status")).to_have_text("Saved")
    _tab_to(phone, "Search for something you like")
    phone.keyboard.type("silk")
    phone.keyboard.press("Enter")
    expect(phone.get_by_test_id("stCheckbox")).to_have_count(1)
    _tab_to(phone, "Silk blouse.*")
    phone.keyboard.press("Space")
    expect(phone.get_by_role("checkbox", name="Silk blouse")).to_be_checked()
    _tab_to(phone, "My data and my rights")
    mine = phone.get_by_test_id("stPageLink").get_by_role("link")
    assert mine.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("button", name="Download (JSON)")).to_be_visible()
    with read_session(served_engine) as session:
        assert session.get_one(Participant, person.id).interests == ["Knits"]


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called ``name`` (a regular expression)."""
    script = """() => {
        let e = document.activeElement;
        while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
        return e?.getAttribute('aria-label') || e?.innerText || e?.labels?.[0]?.innerText || '';
    }"""
    for _ in range(60):
        page.keyboard.press("Tab")
        if re.fullmatch(name, page.evaluate(script).strip()):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def test_hostile_text_is_shown_as_text_and_loads_nothing(phone: Page, served_engine: sa.Engine, server: Server) -> None:
    hostile = "<img src=x onerror=alert(1)> **b** [a](javascript:alert(1)) ![](http://127.0.0.1:9/p.png) :smile: $x$"
    study = plant_shop(served_engine)
    with write_session(served_engine) as session:
        session.get_one(Study, study.id).title = hostile
        for item in session.exec(select(Item).where(Item.study_id == study.id)):
            item.title, item.description, item.image_url = hostile, hostile, "javascript:alert(1)"
    asked, alerts = [], []
    phone.on("request", lambda request: asked.append(request.url))
    phone.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    link, _person = invite(served_engine, server, study)
    agree(phone, link)
    expect(card(phone, 0).get_by_role("heading")).to_have_text(hostile)
    expect(card(phone, 0).locator(".description")).to_have_text(hostile)
    study_title = phone.get_by_test_id("stMarkdown").first.inner_text()
    assert study_title.replace("\u2060", "") == hostile  # the joiners that keep Markdown quiet are invisible
    assert [url for url in asked if "127.0.0.1:9" in url or url.endswith("/x")] == []
    assert alerts == []


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_nothing_sticks_out_on_the_smallest_phone(
    new_browser: Callable[..., BrowserContext],
    served_engine: sa.Engine,
    server: Server,
    locale: str,
) -> None:
    study = plant_shop(served_engine, instruments=["nps", "umux_lite", "resque"])
    link, _person = invite(served_engine, server, study)
    page = new_browser(viewport=SMALL, locale=locale).new_page()
    next_ = page.get_by_test_id("stBaseButton-primary")
    page.goto(link)
    _assert_fits(page)
    next_.click()
    expect(page.locator(".stars")).to_have_count(len(ITEMS))
    _assert_fits(page)
    next_.click()
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    _assert_fits(page)
    next_.click()
    expect(page.locator(".scale .option")).to_have_count(11)
    _assert_fits(page)
    for option in page.locator(".scale .option").all():
        box = option.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["width"] >= 38


def _assert_fits(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    widths = page.evaluate(
        "[document.scrollingElement.scrollWidth, innerWidth, document.querySelector('.stMain').scrollWidth]"
    )
    assert widths[0] <= widths[1]
    assert widths[2] <= widths[1]


@pytest.mark.slow
def test_a_click_while_the_server_is_down_is_stored_when_it_is_back(
    new_browser: Callable[..., BrowserContext],
    sqlite_template: Path,
    tmp_path: Path,
) -> None:
    shutil.copy(sqlite_template, tmp_path / "recux.db")
    server = Server(tmp_path, f"sqlite:///{tmp_path / 'recux.db'}", free_port())
    engine = build_engine(server.database_url)
    server.start()
    try:
        link, person = invite(engine, server, plant_shop(engine))
        page = new_browser().new_page()
        agree(page, link)
        click_star(page, 0, 3)
        server.kill()
        expect(page.get_by_test_id("stApp")).not_to_have_attribute("data-test-connection-state", "CONNECTED")
        star(page, 0, 5).click(force=True)
        star(page, 1, 2).click(force=True)
        expect(card(page, 0).locator(".stars .status")).to_have_text("Saving…")
        server.start()
        expect(card(page, 0).locator(".stars .status")).to_have_text("Saved", timeout=30_000)
        expect(card(page, 1).locator(".stars .status")).to_have_text("Saved")
        assert sorted(r.rating for r in ratings(engine, person) if r.current) == [2, 5]
        assert len(ratings(engine, person)) == 3
    finally:
        server.kill()
        engine.dispose()
