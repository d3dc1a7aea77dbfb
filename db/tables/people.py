"""Participants and what they agreed to."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, link, now


class Participant(SQLModel, table=True):
    """A person, known by a pseudonym. Erasing the row erases all that the person gave."""

    __table_args__ = (sa.UniqueConstraint("study_id", "external_id"),)
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    external_id: str = Field(max_length=255)
    arm_id: int | None = link("arm.id", cascade=False, default=None)
    cohort: str | None = Field(default=None, max_length=255)
    interests: list[str] = Field(default_factory=list, sa_type=JSON_TYPE)
    language: str | None = Field(default=None, max_length=16)
    attributes: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    invite_hash: str | None = Field(default=None, unique=True, max_length=64)
    """SHA-256 of the invite token; the token itself is never stored."""
    test: bool = False
    """Answers of a test participant never count."""
    created_at: datetime = Field(default_factory=now)
    withdrawn_at: datetime | None = None
    finished_at: datetime | None = None


class Consent(SQLModel, table=True):
    """A person agreed to (or declined) one version of the consent text. The latest row counts."""

    id: int | None = Field(default=None, primary_key=True)
    participant_id: int = link("participant.id")
    consent_text_id: int = link("consent_text.id", index=False)
    given: bool
    decided_at: datetime = Field(default_factory=now)
