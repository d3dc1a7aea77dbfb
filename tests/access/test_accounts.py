from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import Audit, User, now
from recux.access import accounts
from recux.access.sessions import owner_of, start_session
from recux.errors import Conflict, InvalidInput, NotAllowed, NotFound

PASSWORD = "correct horse battery"


@pytest.fixture
def ada(engine: sa.Engine) -> User:
    with write_session(engine) as session:
        return accounts.create_user(session, "Ada@Example.org", PASSWORD, "analyst")


def test_the_right_password_signs_in_whatever_the_case_of_the_address(engine, ada):
    assert accounts.sign_in(engine, " ADA@example.org", PASSWORD).id == ada.id


def test_a_wrong_password_and_an_unknown_address_are_refused_alike(engine, ada):
    assert accounts.sign_in(engine, "ada@example.org", "wrong") is None
    assert accounts.sign_in(engine, "bob@example.org", PASSWORD) is None


def test_the_password_itself_is_nowhere_in_the_database(engine, ada):
    assert ada.password_hash.startswith("$argon2id$")
    with read_session(engine) as session:
        assert PASSWORD not in repr(session.exec(select(Audit)).all())


def test_after_five_failures_even_the_right_password_waits(engine, ada):
    for _ in range(accounts.ATTEMPTS):
        accounts.sign_in(engine, ada.email, "wrong")
    assert accounts.sign_in(engine, ada.email, PASSWORD) is None


def test_four_failures_do_not_lock_and_success_forgets_them(engine, ada):
    for _ in range(2):
        for _ in range(accounts.ATTEMPTS - 1):
            accounts.sign_in(engine, ada.email, "wrong")
        assert accounts.sign_in(engine, ada.email, PASSWORD) is not None


def test_the_lock_opens_by_itself_and_a_new_failure_does_not_lock_at_once(engine, ada):
    with write_session(engine) as session:
        user = session.get_one(User, ada.id)
        user.failed_attempts, user.locked_until = accounts.ATTEMPTS, now() - timedelta(seconds=1)
    assert accounts.sign_in(engine, ada.email, "wrong") is None
    assert accounts.sign_in(engine, ada.email, PASSWORD) is not None


def test_guesses_at_the_same_moment_do_not_slip_past_the_limit(engine, ada, monkeypatch):
    checked = []
    monkeypatch.setattr(accounts, "_password_is_right", lambda stored, _: checked.append(stored) or False)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: accounts.sign_in(engine, ada.email, "wrong"), range(24)))
    assert checked.count(ada.password_hash) == accounts.ATTEMPTS


def test_disabling_an_account_ends_its_sessions_and_its_sign_in(engine, ada):
    with write_session(engine) as session:
        cookie = start_session(session, user=ada, hours=1)
        accounts.disable_user(session, ada.email)
        assert owner_of(session, cookie) is None
    assert accounts.sign_in(engine, ada.email, PASSWORD) is None


def test_a_new_password_signs_the_account_out_everywhere(engine, ada):
    with write_session(engine) as session:
        cookie = start_session(session, user=ada, hours=1)
        accounts.set_password(session, ada.email, "another good one")
        assert owner_of(session, cookie) is None
    assert accounts.sign_in(engine, ada.email, "another good one") is not None


def test_people_of_any_role_change_their_own_password_and_sign_in_again(engine, ada):
    with write_session(engine) as session:
        cookie = start_session(session, user=ada, hours=1)
    accounts.change_own_password(engine, ada.email, PASSWORD, "another good one")
    with read_session(engine) as session:
        assert owner_of(session, cookie) is None
        assert session.exec(select(Audit.action).order_by(Audit.id)).all()[-1] == "user.own_password"
    assert accounts.sign_in(engine, ada.email, PASSWORD) is None
    assert accounts.sign_in(engine, ada.email, "another good one") is not None


def test_ones_own_password_needs_the_present_one_and_guesses_lock_the_account(engine, ada):
    with pytest.raises(InvalidInput, match="10 to 1024"):
        accounts.change_own_password(engine, ada.email, PASSWORD, "short")
    for _guess in range(accounts.ATTEMPTS):
        with pytest.raises(NotAllowed, match="wrong"):
            accounts.change_own_password(engine, ada.email, "not this one", "another good one")
    assert accounts.sign_in(engine, ada.email, PASSWORD) is None
    with write_session(engine) as session:  # an admin lets them in again
        accounts.set_password(session, ada.email, "another good one")
    assert accounts.sign_in(engine, ada.email, "another good one") is not None


def test_each_role_includes_those_before_it():
    able = {role: [need for need in accounts.ROLES if _may(role, need)] for role in accounts.ROLES}
    assert able == {"viewer": ["viewer"], "analyst": ["viewer", "analyst"], "admin": ["viewer", "analyst", "admin"]}


def test_nobody_has_no_role():
    with pytest.raises(NotAllowed, match="sign in"):
        accounts.require_role(None, "viewer")


@pytest.mark.parametrize(
    ("email", "password", "role", "message"),
    [
        ("ada", PASSWORD, "viewer", "not an e-mail address"),
        ("a da@example.org", PASSWORD, "viewer", "not an e-mail address"),
        ("bob@example.org", "short", "viewer", "has 5 characters"),
        ("bob@example.org", "x" * 1025, "viewer", "has 1025 characters"),
        ("bob@example.org", PASSWORD, "owner", "viewer, analyst, admin"),
    ],
)
def test_a_bad_account_is_refused_with_the_remedy(sqlite_engine, email, password, role, message):
    with pytest.raises(InvalidInput, match=message), write_session(sqlite_engine) as session:
        accounts.create_user(session, email, password, role)


def test_an_address_has_one_account(engine, ada):
    with pytest.raises(Conflict, match="exists already"), write_session(engine) as session:
        accounts.create_user(session, "ADA@example.org", PASSWORD, "viewer")


def test_an_unknown_account_cannot_be_changed(sqlite_engine):
    with pytest.raises(NotFound, match="no account for eve"), write_session(sqlite_engine) as session:
        accounts.change_role(session, "eve@example.org", "admin")


def test_every_change_of_an_account_is_in_the_audit_log(engine, ada):
    with write_session(engine) as session:
        accounts.change_role(session, ada.email, "admin", actor="root@example.org")
        accounts.disable_user(session, ada.email, actor="root@example.org")
        accounts.enable_user(session, ada.email, actor="root@example.org")
    with read_session(engine) as session:
        rows = session.exec(select(Audit).order_by(Audit.id)).all()
    assert [row.action for row in rows] == ["user.create", "user.role", "user.disable", "user.enable"]
    assert rows[1].actor == "root@example.org"
    assert rows[1].details == {"before": "analyst", "after": "admin"}


def _may(role: str, need: str) -> bool:
    return accounts.has_role(User(email="x@y", password_hash="", role=role), need)
