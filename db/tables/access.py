"""Who may sign in, who is signed in, and who changed what."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now, one_of


class User(SQLModel, table=True):
    """Someone who may sign in to the admin pages."""

    __tablename__ = "user_account"
    __table_args__ = (one_of("role", "viewer", "analyst", "admin"), sa.UniqueConstraint("oidc_issuer", "oidc_subject"))
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=255)
    password_hash: str = Field(sa_type=TEXT)
    """Argon2; empty for an account that signs in elsewhere (OIDC) only."""
    oidc_issuer: str | None = Field(default=None, max_length=255)
    oidc_subject: str | None = Field(default=None, max_length=255)
    """Who this is at the identity provider; bound at the first sign-in there."""
    role: str = Field(default="viewer", max_length=16)
    failed_attempts: int = 0
    locked_until: datetime | None = None
    disabled_at: datetime | None = None
    created_at: datetime = Field(default_factory=now)


class Session(SQLModel, table=True):
    """A browser that is recognised by a cookie, as a user or as a participant. Only a hash of the cookie is kept."""

    __tablename__ = "browser_session"
    __table_args__ = (sa.CheckConstraint("(user_id is null) <> (participant_id is null)", name="one_owner"),)
    token_hash: str = Field(primary_key=True, max_length=64)
    user_id: int | None = link("user_account.id", default=None)
    participant_id: int | None = link("participant.id", default=None)
    created_at: datetime = Field(default_factory=now)
    expires_at: datetime


class Audit(SQLModel, table=True):
    """Who changed what, when; append-only."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, index=True)
    actor: str = Field(max_length=255)
    action: str = Field(max_length=64)
    target: str = Field(max_length=255)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
