"""Keys of programs that use the HTTP API, and the answers they may ask for again."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now


class ApiKey(SQLModel, table=True):
    """What a program may do. Only a hash of the key is kept."""

    __tablename__ = "api_key"
    __table_args__ = (sa.CheckConstraint("per_minute >= 1", name="per_minute_positive"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100)
    prefix: str = Field(unique=True, max_length=16)
    """The public beginning of the key, by which people tell keys apart."""
    key_hash: str = Field(unique=True, max_length=64)
    scopes: list[str] = Field(sa_type=JSON_TYPE)
    study_id: int | None = link("study.id", default=None)
    """The one study that it opens; None opens all."""
    per_minute: int
    """Requests a minute that one web process takes from it."""
    created_by: str = Field(max_length=255)
    created_at: datetime = Field(default_factory=now)
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class ApiReply(SQLModel, table=True):
    """The answer to a request with an idempotency key, written in the request's own transaction."""

    __tablename__ = "api_reply"
    api_key_id: int = Field(foreign_key="api_key.id", ondelete="CASCADE", primary_key=True)
    idempotency_key: str = Field(primary_key=True, max_length=255)
    request_hash: str = Field(max_length=64)
    """Of method, path, query, content type and body."""
    status: int
    body: str = Field(sa_type=TEXT)
    participant_id: int | None = link("participant.id", default=None)
    """Whom the answer is about; it goes with them."""
    created_at: datetime = Field(default_factory=now, index=True)
