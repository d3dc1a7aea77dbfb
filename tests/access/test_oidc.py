"""Who comes back from an identity provider gets in exactly when the team says so."""

import pytest
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import Audit, User
from recux.access import oidc, wanted
from recux.access.accounts import create_user, disable_user, sign_in
from recux.errors import InvalidInput, NotAllowed
from recux.settings import Settings

ISSUER = "https://id.example.org"


def identity(subject="42", email="Ada@example.org", verified=True):
    return oidc.identity_of({"iss": ISSUER, "sub": subject, "email": email, "email_verified": verified})


def enter(engine, who, allowed=None):
    with write_session(engine) as session:
        return oidc.account_of(session, who, allowed or {})


@pytest.fixture
def ada(sqlite_engine):
    with write_session(sqlite_engine) as session:
        return create_user(session, "ada@example.org", "correct horse battery", "analyst")


def test_a_verified_address_finds_its_account_and_is_bound_to_it(sqlite_engine, ada):
    assert enter(sqlite_engine, identity()).id == ada.id
    moved = identity(email="ada.new@example.org")
    assert enter(sqlite_engine, moved).id == ada.id, "issuer and subject count, whatever the address is now"
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Audit.action).order_by(Audit.id)).all() == ["user.create", "user.bind"]


def test_an_address_that_nobody_added_is_refused(sqlite_engine, ada):
    with pytest.raises(NotAllowed, match=r"no account for eve@example\.org"):
        enter(sqlite_engine, identity("43", "eve@example.org"))
    with read_session(sqlite_engine) as session:
        assert len(session.exec(select(User)).all()) == 1


def test_an_allowed_domain_makes_an_account_with_its_role_and_no_password(sqlite_engine):
    made = enter(sqlite_engine, identity(), {"example.org": "viewer"})
    assert (made.email, made.role) == ("ada@example.org", "viewer")
    assert sign_in(sqlite_engine, "ada@example.org", "") is None
    with pytest.raises(NotAllowed):
        enter(sqlite_engine, identity("43", "eve@evil.example.org.test"), {"example.org": "viewer"})


def test_an_address_that_is_not_vouched_for_takes_over_no_account(sqlite_engine, ada):
    with pytest.raises(NotAllowed, match="has not verified"):
        enter(sqlite_engine, identity(verified=False))


def test_another_person_with_a_known_address_is_refused(sqlite_engine, ada):
    enter(sqlite_engine, identity())
    with pytest.raises(NotAllowed, match="somebody else"):
        enter(sqlite_engine, identity("43"))


def test_a_closed_account_stays_closed(sqlite_engine, ada):
    enter(sqlite_engine, identity())
    with write_session(sqlite_engine) as session:
        disable_user(session, ada.email)
    with pytest.raises(NotAllowed, match="closed"):
        enter(sqlite_engine, identity())


def test_silence_about_the_address_counts_only_where_it_is_trusted():
    claims = {"iss": ISSUER, "sub": "1", "email": "a@b.c"}
    assert not oidc.identity_of(claims).verified
    assert oidc.identity_of(claims, trust_email=True).verified
    assert not oidc.identity_of(claims | {"email_verified": False}, trust_email=True).verified
    with pytest.raises(NotAllowed):
        oidc.identity_of({"iss": ISSUER, "sub": "1"})


def test_the_provider_is_handed_to_streamlit_only_when_it_is_complete():
    assert oidc.secrets(Settings()) is None
    one = {"oidc_metadata_url": f"{ISSUER}/.well-known/openid-configuration", "oidc_client_id": "recux"}
    with pytest.raises(InvalidInput, match="RECUX_SECRET_KEY"):
        oidc.secrets(Settings(**one))
    made = oidc.secrets(Settings(**one, secret_key="k" * 32, public_url="https://recux.example.org"))
    assert made is not None
    assert made["auth"]["redirect_uri"] == "https://recux.example.org/oauth2callback"
    assert "k" * 32 not in str(made)


@pytest.mark.parametrize("text", ["example.org", "example.org=boss", "a@b.c=viewer", "=viewer"])
def test_a_list_of_domains_that_makes_no_sense_is_refused(text):
    with pytest.raises(InvalidInput, match="RECUX_OIDC_DOMAINS"):
        oidc.domains(text)


KEY = "k" * 32


def test_the_wanted_address_is_kept_for_minutes_and_only_as_we_sealed_it():
    address = "/rounds?study=shop&round=2&filter=新"
    cookie = wanted.sealed(address, KEY, at=1000.0)
    assert wanted.opened(cookie, KEY, at=1000.0 + 60) == address
    assert wanted.opened(cookie, f"{'n' * 32},{KEY}", at=1000.0 + 60) == address, "the key may change meanwhile"
    assert wanted.opened(cookie, KEY, at=1000.0 + 60 * wanted.MINUTES + 1) is None
    assert wanted.opened(cookie, "n" * 32, at=1000.0) is None
    assert wanted.opened(cookie.replace(".", ".A", 1), KEY, at=1000.0) is None
    assert wanted.sealed("/" + "x" * wanted.LONGEST, KEY) == ""


@pytest.mark.parametrize("cookie", ["", ".", "..", "a.b.c", "9e9.Lw==.", "é.é.é"])
def test_a_cookie_that_is_none_of_ours_leads_nowhere(cookie):
    assert wanted.opened(cookie, KEY) is None
