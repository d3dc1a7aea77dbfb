"""Local accounts: argon2 password hashes, lock-out after repeated failures, three roles."""

from datetime import timedelta
from functools import lru_cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlmodel import Session, col, select

from db.engine import write_session
from db.tables import User, now
from recux.access import audit, permissions
from recux.access.sessions import end_all_sessions
from recux.errors import Conflict, InvalidInput, NotAllowed, NotFound

ROLES = permissions.ROLES
MIN_PASSWORD = 10
MAX_PASSWORD = 1024
ATTEMPTS = 5
LOCK = timedelta(minutes=15)

_hasher = PasswordHasher()


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    """Checked when the account does not exist, so that an answer takes equally long."""
    return _hasher.hash("nobody")


def create_user(
    session: Session, email: str, password: str | None, role: str, *, actor: str = audit.COMMAND_LINE
) -> User:
    """Add an account; without a password it can only be entered by the identity provider.

    Raises InvalidInput for an address without ``@``, an unknown role, or a password of fewer than 10 or more than
    1,024 characters; Conflict when the address is taken.
    """
    permissions.allow(session, actor, "user.create")
    address = _address(email)
    _check_role(role)
    if find_user(session, address) is not None:
        raise Conflict(f"an account for {address} exists already; choose another address or change that account")
    user = User(email=address, password_hash="" if password is None else _hash(password), role=role)
    session.add(user)
    session.flush()
    audit.record(session, actor=actor, action="user.create", target=address, role=role)
    return user


def find_user(session: Session, email: str) -> User | None:
    """The account with this address, in any case of letters."""
    return session.exec(select(User).where(User.email == email.strip().lower())).first()


def get_user(session: Session, email: str) -> User:
    """The account with this address. Raises NotFound."""
    user = find_user(session, email)
    if user is None:
        raise NotFound(f"there is no account for {email}; `recux user list` shows those there are")
    return user


def list_users(session: Session) -> list[User]:
    """All accounts, disabled ones too, by address."""
    return list(session.exec(select(User).order_by(User.email)))


def disable_user(session: Session, email: str, *, actor: str = audit.COMMAND_LINE) -> User:
    """Close an account and sign it out everywhere. Its traces in the audit log stay. Raises NotFound."""
    permissions.allow(session, actor, "user.disable")
    user = get_user(session, email)
    user.disabled_at = user.disabled_at or now()
    end_all_sessions(session, user)
    audit.record(session, actor=actor, action="user.disable", target=user.email)
    return user


def enable_user(session: Session, email: str, *, actor: str = audit.COMMAND_LINE) -> User:
    """Open a disabled or locked account again. Raises NotFound."""
    permissions.allow(session, actor, "user.enable")
    user = get_user(session, email)
    user.disabled_at, user.locked_until, user.failed_attempts = None, None, 0
    audit.record(session, actor=actor, action="user.enable", target=user.email)
    return user


def change_role(session: Session, email: str, role: str, *, actor: str = audit.COMMAND_LINE) -> User:
    """Give an account another role; it holds from the next click on. Raises NotFound, InvalidInput."""
    permissions.allow(session, actor, "user.role")
    _check_role(role)
    user = get_user(session, email)
    before, user.role = user.role, role
    audit.record(session, actor=actor, action="user.role", target=user.email, before=before, after=role)
    return user


def set_password(session: Session, email: str, password: str, *, actor: str = audit.COMMAND_LINE) -> User:
    """Replace the password, end a lock-out and sign the account out everywhere. Raises NotFound, InvalidInput."""
    permissions.allow(session, actor, "user.password")
    user = get_user(session, email)
    _replace_password(session, user, password)
    audit.record(session, actor=actor, action="user.password", target=user.email)
    return user


def change_own_password(engine: sa.Engine, email: str, present: str, new: str) -> None:
    """Replace one's own password and sign out everywhere.

    Raises InvalidInput when ``new`` is too short or too long, NotAllowed when ``present`` is wrong; wrong ones count
    like failed sign-ins.
    """
    _check_length(new)
    if sign_in(engine, email, present) is None:
        raise NotAllowed("the current password is wrong, or the account is locked for a while")
    with write_session(engine) as session:
        user = get_user(session, email)
        _replace_password(session, user, new)
        audit.record(session, actor=user.email, action="user.own_password", target=user.email)


def _replace_password(session: Session, user: User, password: str) -> None:
    user.password_hash = _hash(password)
    user.failed_attempts, user.locked_until = 0, None
    end_all_sessions(session, user)


def sign_in(engine: sa.Engine, email: str, password: str) -> User | None:
    """The account when the password is right, else None, with no hint why.

    Opens its own transactions: the attempt is counted *before* the slow check, so that many guesses at once cannot
    slip past the limit of 5 per 15 minutes, and the database is not locked while the hash is computed.
    """
    with write_session(engine) as session:
        row = select(User).where(User.email == email.strip().lower()).with_for_update()
        user = session.exec(row).first()
        allowed = user is not None and _count_attempt(user)
    right = _password_is_right(user.password_hash if user and allowed else _hash_of_nobody(), password)
    if user is None or not allowed or not right:
        return None
    with write_session(engine) as session:
        user = session.get_one(User, user.id)
        user.failed_attempts, user.locked_until = 0, None
        if _hasher.check_needs_rehash(user.password_hash):
            user.password_hash = _hasher.hash(password)
    return user


def _count_attempt(user: User) -> bool:
    """Count one attempt; whether it may be tried at all."""
    if user.disabled_at is not None:
        return False
    if user.locked_until is not None and user.locked_until <= now():
        user.failed_attempts, user.locked_until = 0, None
    if user.locked_until is not None:
        return False
    user.failed_attempts += 1
    if user.failed_attempts >= ATTEMPTS:
        user.locked_until = now() + LOCK
    return True


def has_role(user: User, role: str) -> bool:
    """Whether the user's role includes what ``role`` may do."""
    return ROLES.index(user.role) >= ROLES.index(role)


def require_role(user: User | None, role: str) -> User:
    """The user, when signed in with at least ``role``. Raises NotAllowed."""
    if user is None:
        raise NotAllowed("please sign in first")
    if not has_role(user, role):
        raise NotAllowed(f"this needs the role {role}; {user.email} is {user.role}. Ask an admin of your team")
    return user


def any_user(session: Session) -> bool:
    """Whether anyone could sign in at all."""
    return session.exec(select(User.id).where(col(User.disabled_at).is_(None)).limit(1)).first() is not None


def _address(email: str) -> str:
    address = email.strip().lower()
    local, at, domain = address.partition("@")
    if not (local and at and domain) or any(c.isspace() for c in address) or len(address) > 255:
        raise InvalidInput(f"{email!r} is not an e-mail address; it should look like name@example.org")
    return address


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InvalidInput(f"role {role!r} is unknown; use one of {', '.join(ROLES)}")


def _hash(password: str) -> str:
    _check_length(password)
    return _hasher.hash(password)


def _check_length(password: str) -> None:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidInput(f"the password has {len(password)} characters; use {MIN_PASSWORD} to {MAX_PASSWORD}")


def _password_is_right(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[: MAX_PASSWORD + 1])
    except (Argon2Error, InvalidHashError):
        return False
