"""Participants and what they agreed to."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now, one_of


class Participant(SQLModel, table=True):
    """A person, known by a pseudonym. Erasing the row erases all that the person gave."""

    __table_args__ = (
        sa.UniqueConstraint("study_id", "external_id"),
        one_of("came_by", "invite", "open", "panel"),
        # everything by which people are counted, so that counting reads no rows
        sa.Index("ix_participant_counting", "study_id", "arm_id", "created_at", "withdrawn_at", "rejected_at", "test"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    external_id: str = Field(max_length=255)
    arm_id: int | None = link("arm.id", cascade=False, default=None)
    """The arm of the person's slates; in a crossover study that of the first period."""
    second_arm_id: int | None = link("arm.id", cascade=False, default=None)
    """Crossover only: the arm of the second period, so that the pair of both is the person's sequence."""
    cohort: str | None = Field(default=None, max_length=255)
    interests: list[str] = Field(default_factory=list, sa_type=JSON_TYPE)
    language: str | None = Field(default=None, max_length=16)
    attributes: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    invite_hash: str | None = Field(default=None, unique=True, max_length=64)
    """SHA-256 of the invite token; the token itself is never stored."""
    came_by: str = Field(default="invite", max_length=8)
    """``invite``: known before; ``open``: made by the open link; ``panel``: made by it for a panel's member."""
    passed: list[str] = Field(default_factory=list, sa_type=JSON_TYPE)
    """Keys of steps that the person went on from (``preferences/1``, ``rate/1``), complete or not."""
    test: bool = False
    """Answers of a test participant never count."""
    created_at: datetime = Field(default_factory=now)
    withdrawn_at: datetime | None = None
    finished_at: datetime | None = None
    rejected_at: datetime | None = None
    """When an admin decided that the answers do not count; the person's place in the arm is free again."""
    rejected_for: str | None = Field(default=None, max_length=200)
    """Why: ``soft_launch``, a rule of data quality, or the admin's own words."""
    invited_at: datetime | None = None
    """When the present invite link was made."""
    reminded_at: datetime | None = None
    """When the person was last put on a list of reminders that was downloaded."""


class Consent(SQLModel, table=True):
    """A person agreed to (or declined) one version of the consent text. The latest row counts."""

    id: int | None = Field(default=None, primary_key=True)
    participant_id: int = link("participant.id")
    consent_text_id: int = link("consent_text.id", index=False)
    given: bool
    decided_at: datetime = Field(default_factory=now)


class PanelMember(SQLModel, table=True):
    """Which member of a panel (Prolific and the like) a participant is; the member's id is sealed with our key."""

    __tablename__ = "panel_member"
    __table_args__ = (sa.UniqueConstraint("study_id", "lookup"),)
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    participant_id: int = link("participant.id", unique=True, index=False)
    lookup: str = Field(max_length=64)
    """Keyed hash of the member's id, by which the same member is found again."""
    sealed: str = Field(sa_type=TEXT)
    """The ids that the panel sent (member, study, session), encrypted."""
    created_at: datetime = Field(default_factory=now)
