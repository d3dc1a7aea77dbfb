"""Studies: what is asked of whom, in which arms, under which consent text."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now, one_of


class Study(SQLModel, table=True):
    """A pilot: what is asked of whom, in which arms."""

    __table_args__ = (
        one_of("status", "draft", "live", "paused", "closed"),
        one_of("domain", "e-commerce", "content", "social", "medical", "travel"),
        sa.CheckConstraint("slate_size between 1 and 100", name="slate_size_range"),
        sa.CheckConstraint("batch_size >= 1", name="batch_size_positive"),
        sa.CheckConstraint("batch_max_age_hours > 0", name="batch_age_positive"),
    )
    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True, max_length=64)
    title: str
    domain: str = "e-commerce"
    status: str = "draft"
    languages: list[str] = Field(default_factory=lambda: ["en", "zh_CN"], sa_type=JSON_TYPE)
    primary_metric: str = "mean_rating"
    """``mean_rating``, ``nps``, ``csat``, ``ctr``, ``purchase_rate``, or ``INSTRUMENT.CONSTRUCT``."""
    slate_size: int = 8
    batch_size: int = 200
    batch_max_age_hours: float = 168.0
    instruments: list[str] = Field(default_factory=lambda: ["nps", "csat"], sa_type=JSON_TYPE)
    objectives: dict[str, float] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """Stability objectives: ``p95_ms`` in milliseconds, ``failure_rate`` as a share."""
    salt: str = Field(max_length=64)
    """Secret of the participant splits and halves; fixed for the study's life."""
    synthetic: bool = False
    """True when the people in it are simulated; every page and report says so."""
    created_at: datetime = Field(default_factory=now)
    launched_at: datetime | None = None
    closed_at: datetime | None = None


class ConsentText(SQLModel, table=True):
    """One version of what participants agree to, in one language. Never edited: a change is a new version."""

    __tablename__ = "consent_text"
    __table_args__ = (sa.UniqueConstraint("study_id", "language", "version"),)
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    language: str = Field(max_length=16)
    version: int = 1
    text: str = Field(sa_type=TEXT)
    created_at: datetime = Field(default_factory=now)


class Arm(SQLModel, table=True):
    """One way of recommending, compared with the others. The first arm of a study (lowest id) is the control."""

    __table_args__ = (
        sa.UniqueConstraint("study_id", "key"),
        one_of("source", "imported", "popularity", "itemknn", "content", "rerank", "http"),
        sa.CheckConstraint("weight >= 0", name="weight_not_negative"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    key: str = Field(max_length=64)
    title: str
    weight: float = 1.0
    source: str = "imported"
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """The source's own settings."""
