"""The collecting half of the loop in one go: a person answers on a phone, and an admin sees it counted at a desk."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, expect

from db.engine import write_session
from db.tables import Participant, Study
from recux.access.accounts import create_user
from tests.e2e.conftest import DESKTOP
from tests.e2e.people import ITEMS, invite, plant_shop, settled
from tests.e2e.server import Server
from tests.e2e.test_participant import click_star

pytestmark = pytest.mark.browser
DROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36"


def test_what_a_person_answers_is_counted_on_the_overview(
    new_browser: Callable[..., BrowserContext], served_engine: sa.Engine, server: Server
) -> None:
    study = plant_shop(served_engine)
    with write_session(served_engine) as session:
        session.get_one(Study, study.id).min_group = 1
        create_user(session, "eve@example.org", "correct horse battery", "viewer")
    link, _person = invite(served_engine, server, study)

    phone = new_browser(user_agent=DROID).new_page()
    phone.goto(link)
    phone.get_by_role("button", name="I agree and take part").click()
    for number in range(len(ITEMS)):
        click_star(phone, number, 4)
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_role("radio", name="9", exact=True).click()
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_role("group", name="All in all")).to_be_visible()
    phone.get_by_role("radio", name="4", exact=True).click()
    phone.get_by_role("button", name="Continue").click()
    expect(phone.get_by_role("heading", name="Thank you!")).to_be_visible()
    with write_session(served_engine) as session:
        mine = sa.select(Participant.attributes).where(Participant.study_id == study.id)
        assert session.exec(mine).scalars().one()["device"] == "phone"

    desk = new_browser(viewport=DESKTOP).new_page()
    desk.goto(f"{server.url}/sign_in?next=/%3Fstudy%3D{study.slug}")
    settled(desk)
    desk.get_by_label("E-mail").fill("eve@example.org")
    desk.get_by_label("Password").fill("correct horse battery")
    desk.get_by_role("button", name="Sign in").click()
    expect(desk.get_by_role("heading", name="How satisfied are people?")).to_be_visible()
    rating = desk.get_by_test_id("stMetric").filter(has_text="Mean rating")
    expect(rating).to_contain_text("4.00")
    expect(rating).to_contain_text("n = 1")
    csat = desk.get_by_test_id("stMetric").filter(has_text="CSAT")
    expect(csat).to_contain_text("100%")
