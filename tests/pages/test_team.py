"""The team page: accounts and the audit log."""

import pandas as pd
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import (
    Audit,
    User,
)
from recux.access.accounts import create_user, sign_in
from recux.access.http import USER_COOKIE
from recux.access.sessions import start_session
from tests.pages.planted import audited, field, press, texts


def test_an_admin_adds_changes_and_closes_accounts(open_as, sqlite_engine, empty) -> None:
    at = open_as("admin", "team")
    field(at.text_input, "E-mail").set_value("eve@example.org")
    field(at.text_input, "First password").set_value("long enough words")
    at = press(at, "Add")
    assert "2 people can sign in" in texts(at)
    field(at.selectbox, "Account").select("eve@example.org")
    field(at.selectbox, "What").select("analyst")
    at = press(at, "Change")
    field(at.selectbox, "Account").select("eve@example.org")
    field(at.selectbox, "What").select("disable")
    press(at, "Change")
    with read_session(sqlite_engine) as session:
        eve = session.exec(select(User).where(User.email == "eve@example.org")).one()
    assert eve.role == "analyst"
    assert eve.disabled_at is not None
    assert audited(sqlite_engine) == ["user.create", "user.role", "user.disable"]


def test_an_admin_sets_a_new_password_for_somebody(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        create_user(session, "eve@example.org", "long enough words", "viewer")
    at = open_as("admin", "team")
    field(at.selectbox, "Account").select("eve@example.org")
    field(at.selectbox, "What").select("password")
    field(at.text_input, "New password (only").set_value("quite another one")
    press(at, "Change")
    assert sign_in(sqlite_engine, "eve@example.org", "quite another one") is not None
    assert audited(sqlite_engine)[-1] == "user.password"


def test_a_viewer_changes_their_own_password_in_the_sidebar(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        user = create_user(session, "eve@example.org", "long enough words", "viewer")
        cookie = start_session(session, user=user, hours=1)
    at = open_as(cookies={USER_COOKIE: cookie})
    field(at.text_input, "Current password").set_value("long enough words")
    field(at.text_input, "New password").set_value("quite another one")
    at = press(at, "Save it and sign in again")
    assert "Sign in to recux" in texts(at)
    assert sign_in(sqlite_engine, "eve@example.org", "quite another one") is not None


def test_a_weak_password_is_refused_in_words(open_as, empty) -> None:
    at = open_as("admin", "team")
    field(at.text_input, "E-mail").set_value("eve@example.org")
    field(at.text_input, "First password").set_value("short")
    assert "10 to 1024" in texts(press(at, "Add")).replace("\\", "")


def test_audit_entries_cannot_be_formulas(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        session.add(Audit(actor="=1+1", action="sign-in.failed", target=""))
    shown = open_as("admin", "team")
    assert isinstance(shown.dataframe[1].value, pd.DataFrame)
    assert not shown.exception
