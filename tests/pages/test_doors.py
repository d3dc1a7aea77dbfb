"""Every address as nobody, as a participant and as each role: who sees what, and what closed doors say."""

from datetime import timedelta

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from db.engine import write_session
from db.tables import Session as BrowserSession
from db.tables import User, now
from recux.access.accounts import ROLES, create_user
from recux.access.http import USER_COOKIE
from recux.access.sessions import end_all_sessions
from recux.ui.story import ADMIN_PAGES, LEAST_ROLE, PARTICIPANT_PAGES
from tests.collect.people import plant_invited
from tests.pages.conftest import cookies_of

ADMIN = [page.name for page in ADMIN_PAGES]
SIGN_IN, INVITE, ROLE = "Sign in to recux", "You need an invite link", "This page is not for your role"


@pytest.fixture
def planted(sqlite_engine):
    with write_session(sqlite_engine) as session:
        plant_invited(session)
        create_user(session, "someone@example.org", "correct horse battery", "viewer")


def visit(at: AppTest, address: str) -> AppTest:
    """Ask for an address as a browser does with a deep link."""
    at._page_hash = _hash(address)
    return at.run()


def _hash(address: str) -> str:
    from streamlit.util import calc_hash

    return calc_hash(address)


def title(at: AppTest) -> str:
    assert not at.exception, at.exception
    return at.title[0].value


def titles(at: AppTest, addresses: list[str]) -> set[str]:
    return {title(visit(at, address)) for address in addresses}


def test_nobody_gets_the_sign_in_form_at_every_admin_address(open_as, planted):
    assert titles(open_as(), ADMIN) == {SIGN_IN}


def test_nobody_is_told_at_every_participant_address_that_an_invite_is_needed(open_as, planted):
    at = open_as()
    assert title(at) == INVITE
    assert titles(at, list(PARTICIPANT_PAGES)) == {INVITE}


def test_a_participant_sees_no_admin_page(open_as, planted):
    assert titles(open_as("participant"), ADMIN) == {SIGN_IN}


@pytest.mark.parametrize("role", ROLES)
def test_a_user_opens_a_page_exactly_when_the_role_reaches(open_as, planted, role):
    at = open_as(role)
    for address in ADMIN:
        shown = title(visit(at, "start" if address == ADMIN[0] else address))
        reaches = ROLES.index(role) >= ROLES.index(LEAST_ROLE[address])
        assert (shown != ROLE) == reaches, address
        assert shown not in {SIGN_IN, INVITE}, address


def test_a_user_without_an_invite_sees_no_participant_page(open_as, planted):
    assert titles(open_as("admin"), list(PARTICIPANT_PAGES)) == {INVITE}


def test_a_forged_or_expired_cookie_is_nobody(open_as, planted, sqlite_engine):
    assert title(open_as(cookies={USER_COOKIE: "forged"})) == INVITE
    cookies = cookies_of(sqlite_engine, "admin")
    with write_session(sqlite_engine) as session:
        session.exec(select(BrowserSession)).one().expires_at = now() - timedelta(seconds=1)
    assert title(open_as(cookies=cookies)) == INVITE


def test_signing_out_everywhere_closes_a_page_that_is_open(open_as, planted, sqlite_engine):
    at = open_as("admin")
    assert title(at) not in {SIGN_IN, INVITE}
    with write_session(sqlite_engine) as session:
        end_all_sessions(session, session.exec(select(User).where(User.role == "admin")).one())
    assert title(at.run()) == INVITE


def test_losing_a_role_closes_a_page_that_is_open(open_as, planted, sqlite_engine):
    at = visit(open_as("admin"), "team")
    assert title(at) != ROLE
    with write_session(sqlite_engine) as session:
        session.exec(select(User).where(User.role == "admin")).one().role = "viewer"
    assert title(at.run()) == ROLE


def test_a_user_who_tries_an_invite_link_is_a_participant_with_a_way_back(open_as, planted, sqlite_engine):
    both = cookies_of(sqlite_engine, "admin") | cookies_of(sqlite_engine, "participant")
    at = open_as(cookies=both)
    assert title(at) == "Welcome"
    assert any("/auth/leave" in element.proto.body for element in at.get("html"))


def test_being_here_prolongs_a_sign_in_that_is_half_over(open_as, planted, sqlite_engine):
    cookies = cookies_of(sqlite_engine, "admin")  # one hour of twelve
    open_as(cookies=cookies)
    with write_session(sqlite_engine) as session:
        left = session.exec(select(BrowserSession.expires_at)).one() - now()
    assert timedelta(hours=11) < left <= timedelta(hours=12)


def test_before_the_first_account_the_sign_in_page_says_how_to_make_one(open_as):
    at = visit(open_as(), "sign_in")
    assert "recux user create" in at.code[0].value


def test_an_unreachable_database_is_said_plainly(open_as, planted, monkeypatch):
    monkeypatch.setenv("RECUX_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    at = open_as(cookies={USER_COOKIE: "whatever"})
    assert "database does not answer" in at.error[0].value
    assert not at.exception
