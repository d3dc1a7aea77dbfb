"""What rounds and people add to results: readings of comments, tags, alerts, links to reports, decisions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, link, now, one_of

ONE_COMMENT = "(rating_id is null) <> (answer_id is null)"


class CommentTag(SQLModel, table=True):
    """A word that somebody of the team put on a comment: on one given with a rating, or on a written answer."""

    __tablename__ = "comment_tag"
    __table_args__ = (
        sa.CheckConstraint(ONE_COMMENT, name="one_comment"),
        sa.UniqueConstraint("rating_id", "tag"),
        sa.UniqueConstraint("answer_id", "tag"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    rating_id: int | None = link("rating.id", default=None)
    answer_id: int | None = link("answer.id", default=None)
    tag: str = Field(max_length=64)
    created_by: str = Field(max_length=255)
    created_at: datetime = Field(default_factory=now)


class CommentTheme(SQLModel, table=True):
    """What several comments are about, as the newest round found it."""

    __tablename__ = "comment_theme"
    __table_args__ = (sa.UniqueConstraint("round_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    round_id: int = link("round.id", index=False)
    number: int
    """From 1, the largest first."""
    words: list[str] = Field(sa_type=JSON_TYPE)
    """What its comments say more often than the others do; the most telling first."""
    comments: int
    """How many comments it held when it was found."""


class CommentReading(SQLModel, table=True):
    """What the newest round's model made of a comment."""

    __tablename__ = "comment_reading"
    __table_args__ = (sa.CheckConstraint(ONE_COMMENT, name="one_comment"),)
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    round_id: int = link("round.id")
    rating_id: int | None = link("rating.id", default=None, unique=True)
    answer_id: int | None = link("answer.id", default=None, unique=True)
    theme_id: int | None = link("comment_theme.id", cascade=False, default=None)
    nearness: float | None = None
    """Cosine between the comment and the middle of its theme; the highest are typical."""
    expected: float | None = None
    """Predicted satisfaction, 1 to 5; None when no model serves."""
    likely: list[int] | None = Field(default=None, sa_type=JSON_TYPE)
    """The stars of the 90 % set."""


class ModelExample(SQLModel, table=True):
    """A held-out comment that a model got badly wrong, with what each word did to the prediction."""

    __tablename__ = "model_example"
    __table_args__ = (sa.CheckConstraint(ONE_COMMENT, name="one_comment"),)
    id: int | None = Field(default=None, primary_key=True)
    model_version_id: int = link("model_version.id")
    rating_id: int | None = link("rating.id", default=None)
    answer_id: int | None = link("answer.id", default=None)
    label: float
    expected: float
    words: list[str] | None = Field(default=None, sa_type=JSON_TYPE)
    """None where the model's kind cannot be asked for its words."""
    weights: list[float] | None = Field(default=None, sa_type=JSON_TYPE)
    """By word, in stars; above 0 raised the prediction."""


class AlertChannel(SQLModel, table=True):
    """Where alerts of a study are sent."""

    __tablename__ = "alert_channel"
    __table_args__ = (one_of("kind", "webhook", "email"), sa.UniqueConstraint("study_id", "kind", "target"))
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    kind: str = Field(max_length=8)
    target: str = Field(max_length=512)
    """An http(s) address of an allowed host, or an e-mail address."""
    created_by: str = Field(max_length=255)
    created_at: datetime = Field(default_factory=now)


class Alert(SQLModel, table=True):
    """Something about the recommender that somebody should look at, from when it was seen until it was over."""

    __table_args__ = (
        one_of("rule", "objective", "anomaly"),
        sa.Index(
            "uq_alert_open",
            "study_id",
            "rule",
            "metric",
            "arm",
            unique=True,
            sqlite_where=sa.text("closed_at is null"),
            postgresql_where=sa.text("closed_at is null"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    rule: str = Field(max_length=16)
    """``objective``: a promise is surely broken; ``anomaly``: unlike the time before."""
    metric: str = Field(max_length=32)
    arm: str = Field(default="", max_length=64)
    """Key of the arm; empty for all together."""
    began_at: datetime
    """Start of the stretch of time that gave the alarm."""
    opened_at: datetime = Field(default_factory=now)
    closed_at: datetime | None = None
    seen_by: str | None = Field(default=None, max_length=255)
    """Who said that they look after it."""
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """``value``, ``ci_low``, ``ci_high``, ``n`` and what it was compared with (``target`` or ``usual``)."""


class AlertDelivery(SQLModel, table=True):
    """One message about one alert to one channel: tried until it arrived or until it was tried often enough."""

    __tablename__ = "alert_delivery"
    __table_args__ = (one_of("status", "waiting", "sent", "failed"), sa.UniqueConstraint("alert_id", "channel_id"))
    id: int | None = Field(default=None, primary_key=True)
    alert_id: int = link("alert.id", index=False)
    channel_id: int = link("alert_channel.id")
    status: str = Field(default="waiting", max_length=8)
    attempts: int = 0
    next_at: datetime = Field(default_factory=now, index=True)
    error: str | None = Field(default=None, sa_type=TEXT)
    """Why the last attempt failed."""
    sent_at: datetime | None = None


class ReportLink(SQLModel, table=True):
    """A link that opens a study's report for reading without signing in, until it ends or is revoked."""

    __tablename__ = "report_link"
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    token_hash: str = Field(unique=True, max_length=64)
    """SHA-256 of the token; the token itself is never stored."""
    language: str = Field(default="en", max_length=16)
    note: str = Field(default="", max_length=255)
    """For whom it was made."""
    created_by: str = Field(max_length=255)
    created_at: datetime = Field(default_factory=now)
    expires_at: datetime
    revoked_at: datetime | None = None
    opened: int = 0
    """How often it was opened."""
    last_opened_at: datetime | None = None


class Decision(SQLModel, table=True):
    """What the team decided, and the figures as they stood then; append-only."""

    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    decided_at: datetime = Field(default_factory=now)
    decided_by: str = Field(max_length=255)
    decision: str = Field(sa_type=TEXT)
    reason: str = Field(default="", sa_type=TEXT)
    figures: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON_TYPE)
    """Each with ``section``, ``metric``, ``arm`` and the fields of a figure, frozen at that moment."""
    round_number: int | None = None
    """The newest finished round at that moment."""
    suggestion_id: int | None = link("suggestion.id", cascade=False, default=None)
