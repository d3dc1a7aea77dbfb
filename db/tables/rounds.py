"""Batches, the rounds run on them, and what the rounds left: models and figures."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now, one_of


class Batch(SQLModel, table=True):
    """A closed collection of feedback: immutable, with a hash over the hashes of its rows."""

    __table_args__ = (
        sa.UniqueConstraint("study_id", "number"),
        one_of("closed_by", "size", "age", "hand"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    number: int
    closed_by: str = Field(max_length=8)
    closed_at: datetime = Field(default_factory=now)
    period_start: datetime | None = None
    """When the earliest row in it was received."""
    ratings: int = 0
    answers: int = 0
    content_hash: str = Field(max_length=64)


class BatchRow(SQLModel, table=True):
    """Membership of a rating or an answer in a batch. It outlives the row: a batch stays verifiable after erasure."""

    __tablename__ = "batch_row"
    __table_args__ = (one_of("kind", "rating", "answer"), sa.Index("ix_batch_row_batch_id", "batch_id"))
    kind: str = Field(primary_key=True, max_length=8)
    row_id: int = Field(primary_key=True)
    batch_id: int = link("batch.id", index=False)
    row_hash: str = Field(max_length=32)


class Round(SQLModel, table=True):
    """The work done on one batch: fine-tune, evaluate, suggest, promote."""

    __table_args__ = (
        sa.UniqueConstraint("study_id", "number"),
        one_of("status", "queued", "running", "done", "failed", "cancelled"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    batch_id: int = link("batch.id", index=False, unique=True)
    number: int
    status: str = Field(default="queued", max_length=16)
    stage: str | None = Field(default=None, max_length=32)
    progress: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    config: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """What was asked for (base model, device, seed) and, once trained, the resolved recipe."""
    message: str | None = Field(default=None, sa_type=TEXT)
    """Why it failed, or what was left out."""
    created_at: datetime = Field(default_factory=now)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    executor_id: str | None = Field(default=None, max_length=64)
    """The process that works on it, or did last; only this one may publish what the round makes."""


class ModelVersion(SQLModel, table=True):
    """A model that a round produced for one head: the fine-tuned encoder or a baseline."""

    __tablename__ = "model_version"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "head", "name"),
        one_of("head", "rating", "satisfaction", "behaviour", "response_time"),
        sa.Index(
            "uq_model_version_champion",
            "study_id",
            "head",
            unique=True,
            sqlite_where=sa.text("champion"),
            postgresql_where=sa.text("champion"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    round_id: int = link("round.id", index=False)
    head: str = Field(max_length=16)
    name: str = Field(max_length=64)
    """``encoder`` or the baseline's name, for example ``tfidf_logistic``."""
    baseline: bool = False
    base_model: str = Field(max_length=255)
    folder: str = Field(sa_type=TEXT)
    metrics: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """Held-out figures by name, each in the shape of a figure of the report."""
    n_train: int = 0
    n_test: int = 0
    device: str = Field(default="cpu", max_length=64)
    seconds: float = 0.0
    champion: bool = False
    reason: str | None = Field(default=None, sa_type=TEXT)
    """Why it was, or was not, promoted."""
    created_at: datetime = Field(default_factory=now)


class Figure(SQLModel, table=True):
    """A value with its interval, n, definition and method, as a round computed it; or a reason instead."""

    __table_args__ = (
        sa.UniqueConstraint("round_id", "section", "arm", "cut", "metric"),
        sa.CheckConstraint("(value is null) = (reason is not null)", name="value_or_reason"),
    )
    id: int | None = Field(default=None, primary_key=True)
    round_id: int = link("round.id", index=False)
    section: str = Field(max_length=32)
    """``satisfaction``, ``recommendation``, ``stability``, ``experiment`` or ``data_quality``."""
    arm: str = Field(default="", max_length=64)
    """Key of the arm, or empty for all arms together."""
    cut: str = Field(default="", max_length=255)
    """``batch`` for the rows of this round's batch alone, ``previous`` for those against the batch before, empty for
    all rows up to it.
    """
    metric: str = Field(max_length=128)
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None
    reason: str | None = Field(default=None, sa_type=TEXT)
    definition: str = Field(default="", sa_type=TEXT)
    method: str = Field(default="", sa_type=TEXT)
    code_version: str = Field(default="", max_length=32)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """What a comparison says beside its difference: p, whether it is of the same people, what speaks against it."""
