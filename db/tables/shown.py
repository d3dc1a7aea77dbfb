"""What was shown and what people did with it: items, slates, interactions, and calls to recommenders."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now, one_of


class Item(SQLModel, table=True):
    """What is recommended."""

    __table_args__ = (sa.UniqueConstraint("study_id", "external_id"),)
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    external_id: str = Field(max_length=255)
    title: str = Field(sa_type=TEXT)
    description: str | None = Field(default=None, sa_type=TEXT)
    category: str | None = Field(default=None, max_length=255)
    tags: list[str] = Field(default_factory=list, sa_type=JSON_TYPE)
    price: float | None = None
    image_url: str | None = Field(default=None, sa_type=TEXT)
    attributes: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)


class Slate(SQLModel, table=True):
    """One list of items that was made for one person."""

    __table_args__ = (
        sa.UniqueConstraint("study_id", "external_id"),
        sa.CheckConstraint("period >= 1", name="period_from_one"),
        sa.Index("ix_slate_study_id_served_at", "study_id", "served_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    participant_id: int = link("participant.id")
    arm_id: int | None = link("arm.id", cascade=False, default=None)
    external_id: str = Field(max_length=255)
    source: str = Field(default="imported", max_length=32)
    model_version: str | None = Field(default=None, max_length=255)
    served_at: datetime | None = None
    period: int | None = None
    """In which period of the person's way the pages showed it: 1, or 2 for the second slate of a crossover study; None
    for a slate that was shown elsewhere, or not yet."""


class Impression(SQLModel, table=True):
    """One item at one position of a slate; positions count from 1."""

    __table_args__ = (
        sa.UniqueConstraint("slate_id", "position"),
        sa.CheckConstraint("position >= 1", name="position_from_one"),
        sa.CheckConstraint("rank >= 1", name="rank_from_one"),
    )
    id: int | None = Field(default=None, primary_key=True)
    slate_id: int = link("slate.id", index=False)
    item_id: int = link("item.id")
    position: int
    """Where it was shown, counted from 1."""
    rank: int | None = None
    """Where the recommender had put it, when the positions were drawn at random; None when that is ``position``."""
    score: float | None = None
    explanation: str | None = Field(default=None, sa_type=TEXT)
    shown_at: datetime | None = None


class Interaction(SQLModel, table=True):
    """Something a person did with an item.

    The pages write ``view`` (seen, with the time it was in view), ``dismiss`` ("not for me"), ``know`` ("I know it
    already") and ``like`` (picked before the first slate); what a person takes back is deleted.
    """

    __table_args__ = (
        sa.UniqueConstraint("study_id", "row_key"),
        sa.Index("ix_interaction_study_id_kind", "study_id", "kind"),
        one_of("kind", "view", "click", "purchase", "dismiss", "like", "know"),
        sa.CheckConstraint("dwell_ms >= 0", name="dwell_not_negative"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    participant_id: int = link("participant.id")
    item_id: int = link("item.id", index=False)
    slate_id: int | None = link("slate.id", default=None)
    row_key: str = Field(max_length=32)
    kind: str = Field(max_length=16)
    occurred_at: datetime
    dwell_ms: float | None = None


LONGEST_DURATION = 1e12
"""Milliseconds, about 32 years: what is said to have taken longer did not happen. Rows that were stored before there
was this limit may say more; whoever computes with durations takes them for this long."""


class Request(SQLModel, table=True):
    """One call to the recommender: how long it took and how it ended."""

    __table_args__ = (
        sa.UniqueConstraint("study_id", "row_key"),
        one_of("outcome", "ok", "error", "timeout"),
        sa.CheckConstraint("duration_ms >= 0", name="duration_not_negative"),
        sa.Index("ix_request_study_id_requested_at", "study_id", "requested_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    arm_id: int | None = link("arm.id", cascade=False, default=None)
    slate_id: int | None = link("slate.id", cascade=False, default=None)
    row_key: str = Field(max_length=32)
    requested_at: datetime
    duration_ms: float
    outcome: str = Field(max_length=16)
    http_status: int | None = None
    endpoint: str | None = Field(default=None, sa_type=TEXT)
    slate_size: int | None = None


class ImportRun(SQLModel, table=True):
    """One import of one file: what was read and what became of it."""

    __tablename__ = "import_run"
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    kind: str = Field(max_length=16)
    file: str = Field(sa_type=TEXT)
    read: int = 0
    written: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    quarantine_file: str | None = Field(default=None, sa_type=TEXT)
    finished_at: datetime = Field(default_factory=now)
