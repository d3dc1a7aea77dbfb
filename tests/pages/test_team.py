"""The team page: accounts and the audit log."""

import pandas as pd
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import (
    Audit,
    User,
)
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
