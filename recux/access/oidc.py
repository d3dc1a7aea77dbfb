"""Sign-in by an identity provider (OpenID Connect), which Streamlit speaks: who comes back from there may come in.

An account is known by issuer and subject, because e-mail addresses change hands. The first sign-in binds them to the
account of the same, verified address. An address that nobody invited is refused, unless its domain is listed with a
role in ``RECUX_OIDC_DOMAINS``; then the account is made on the spot.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlmodel import Session, select

from db.tables import User
from recux.access import audit
from recux.access.accounts import ROLES, find_user
from recux.access.sessions import start_session
from recux.access.tokens import secret_keys
from recux.errors import InvalidInput, NotAllowed
from recux.settings import Settings

TICKET_HOURS = 5 / 60
"""How long after coming back from the provider the way in stays open."""


class Identity(NamedTuple):
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    email: str
    verified: bool
    """Whether the provider says that the address is this person's."""


def is_on(settings: Settings) -> bool:
    """Whether a provider is configured."""
    return bool(settings.oidc_metadata_url and settings.oidc_client_id)


def secrets(settings: Settings) -> dict[str, Any] | None:
    """The provider as ``st.login`` wants it, or None without one. Raises InvalidInput when part of it is missing."""
    if not is_on(settings):
        return None
    domains(settings.oidc_domains)
    if len(settings.secret_key) < 32:
        raise InvalidInput("sign-in by OpenID Connect needs RECUX_SECRET_KEY of 32 characters or more")
    cookie_secret = hmac.new(secret_keys(settings.secret_key)[0].encode(), b"oidc cookie", hashlib.sha256).hexdigest()
    return {
        "auth": {
            "redirect_uri": f"{settings.base_url}/oauth2callback",
            "cookie_secret": cookie_secret,
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret,
            "server_metadata_url": settings.oidc_metadata_url,
        }
    }


def domains(text: str) -> dict[str, str]:
    """Domain -> role out of ``example.org=viewer, ops.example.org=admin``. Raises InvalidInput.

    >>> domains("Example.org = viewer")
    {'example.org': 'viewer'}
    """
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        domain, _, role = (word.strip() for word in part.partition("="))
        if not domain or "@" in domain or role not in ROLES:
            raise InvalidInput(f"RECUX_OIDC_DOMAINS: {part!r} must be DOMAIN=ROLE with one of {', '.join(ROLES)}")
        found[domain.lower()] = role
    return found


def identity_of(claims: Mapping[str, Any], *, trust_email: bool = False) -> Identity:
    """The identity in a provider's claims. ``trust_email``: where it says nothing, take addresses as verified.

    Raises NotAllowed when they do not say who it is.
    """
    issuer, subject, email = (str(claims.get(name) or "").strip() for name in ("iss", "sub", "email"))
    if not (issuer and subject and email):
        raise NotAllowed("the identity provider did not say who you are (iss, sub and email are needed)")
    verified = claims.get("email_verified", trust_email)
    return Identity(issuer, subject, email.lower(), verified in (True, "true"))


def account_of(session: Session, who: Identity, allowed: Mapping[str, str]) -> User:
    """The account of that person; bound, or made where the domain is allowed, at the first sign-in.

    Raises NotAllowed, in words for the person.
    """
    known = session.exec(select(User).where(User.oidc_issuer == who.issuer, User.oidc_subject == who.subject)).first()
    user = known or _first_time(session, who, allowed)
    if user.disabled_at is not None:
        raise NotAllowed(f"the account of {user.email} is closed; ask an admin of your team")
    return user


def ticket(session: Session, who: Identity, allowed: Mapping[str, str]) -> str:
    """A way in for a few minutes, to be exchanged for a cookie by the route that can set one. Raises NotAllowed."""
    return start_session(session, user=account_of(session, who, allowed), hours=TICKET_HOURS)


def _first_time(session: Session, who: Identity, allowed: Mapping[str, str]) -> User:
    if not who.verified:
        raise NotAllowed(f"the identity provider has not verified the address {who.email}")
    user = find_user(session, who.email) or _newcomer(session, who.email, allowed)
    if user.oidc_subject is not None:
        raise NotAllowed(f"the account of {who.email} belongs to somebody else at the identity provider")
    user.oidc_issuer, user.oidc_subject = who.issuer, who.subject
    session.add(user)
    session.flush()
    audit.record(session, actor=who.email, action="user.bind", target=who.email, issuer=who.issuer)
    return user


def _newcomer(session: Session, email: str, allowed: Mapping[str, str]) -> User:
    role = allowed.get(email.rpartition("@")[2])
    if role is None:
        raise NotAllowed(f"there is no account for {email}; ask an admin of your team to add you")
    user = User(email=email, password_hash="", role=role)
    session.add(user)
    audit.record(session, actor=audit.PROVIDER, action="user.create", target=email, role=role, by="oidc")
    return user
