"""Studies: what is asked of whom, in which arms, under which consent text."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now, one_of

DEFAULT_STEPS = ("consent", "slate", "questionnaires", "thanks")


class Study(SQLModel, table=True):
    """A pilot: what is asked of whom, in which arms."""

    __table_args__ = (
        one_of("status", "draft", "live", "paused", "closed"),
        one_of("domain", "e-commerce", "content", "social", "medical", "travel"),
        sa.CheckConstraint("slate_size between 1 and 100", name="slate_size_range"),
        sa.CheckConstraint("batch_size >= 1", name="batch_size_positive"),
        sa.CheckConstraint("batch_max_age_hours > 0", name="batch_age_positive"),
        sa.CheckConstraint("min_group >= 1", name="min_group_positive"),
        sa.CheckConstraint("planned_n >= 2", name="planned_n_two"),
        sa.CheckConstraint("soft_limit >= 1", name="soft_limit_positive"),
        one_of("design", "between", "crossover"),
        sa.CheckConstraint("open_cap >= 1", name="open_cap_positive"),
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
    steps: list[str] = Field(default_factory=lambda: list(DEFAULT_STEPS), sa_type=JSON_TYPE)
    """What a participant does, in order: ``consent``, ``preferences``, ``slate``, ``questionnaires`` (those that are
    not named themselves), ids of instruments, ``thanks``."""
    design: str = Field(default="between", max_length=16)
    """``between``: each person sees one arm's slate. ``crossover``: two arms' slates one after the other."""
    shuffle: bool = False
    """Show the items of a slate in a random order; the recommender's own order is kept in ``Impression.rank``."""
    per_list: list[str] = Field(default_factory=list, sa_type=JSON_TYPE)
    """Crossover only: instruments asked once after each slate; ``Response.wave`` is then the slate's period."""
    debrief: dict[str, str] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """Language -> what is said at the end, when it can no longer change an answer."""
    own_answers: bool = False
    """Show people their own answers at the end."""
    panel: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """How a panel sends people and gets them back (``recux.collect.flow.Panel``); empty without a panel."""
    open_hash: str | None = Field(default=None, unique=True, max_length=64)
    """SHA-256 of the token of the open link, the one that many people use; None without one."""
    open_cap: int | None = None
    """How many people may come in by the open link; None without a limit."""
    salt: str = Field(max_length=64)
    """Secret of the participant splits and halves; fixed for the study's life."""
    synthetic: bool = False
    """True when the people in it are simulated; every page and report says so."""
    created_at: datetime = Field(default_factory=now)
    launched_at: datetime | None = None
    closed_at: datetime | None = None
    min_group: int = 5
    """Figures of fewer people than this are hidden, so that nobody can be recognised in them."""
    planned_n: int | None = None
    """People an arm that the pilot plans for."""
    soft_limit: int | None = None
    """During a soft launch: how many people may take part. None: not a soft launch."""
    archived_at: datetime | None = None
    """Put away: no longer offered, but nothing of it is gone."""
    retention: dict[str, int] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """Days that things are kept, by ``people``, ``interactions``, ``requests``; what is not named is kept."""
    edit_version: int = 1
    """Grows with every change of the settings, so that two people who edit at once find out."""


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


class StudyInstrument(SQLModel, table=True):
    """A questionnaire as it was when the study was launched: what people are asked, whatever happens to its file."""

    __tablename__ = "study_instrument"
    study_id: int = Field(foreign_key="study.id", ondelete="CASCADE", primary_key=True)
    instrument: str = Field(max_length=64, primary_key=True)
    version: str = Field(max_length=32)
    fingerprint: str = Field(max_length=64)
    """Hash of the content: what is asked, how, and how it is scored."""
    content: dict[str, Any] = Field(sa_type=JSON_TYPE)
    frozen_at: datetime = Field(default_factory=now)
