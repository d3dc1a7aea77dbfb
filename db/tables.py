"""The tables. People's words live here, so the rules live here too: keys, checks and uniqueness are the database's.

Times are aware and UTC. ``row_key`` is the idempotency key of a row that arrives from outside: a hash of what makes
it the same row (see ``recux.ingest``), so that the same file twice changes nothing. Ratings and answers are
append-only: a correction is a new row, and exactly one row per key is ``current``.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

JSON_TYPE = sa.JSON().with_variant(JSONB(), "postgresql")
TEXT = sa.Text()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def one_of(column: str, *values: str) -> sa.CheckConstraint:
    """A check that ``column`` holds one of ``values``."""
    return sa.CheckConstraint(f"{column} in ({', '.join(repr(v) for v in values)})", name=f"{column}_known")


def current_only(name: str, *columns: str) -> sa.Index:
    """A unique index over the rows that are current, on both databases."""
    where = sa.text("current")
    return sa.Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


def link(target: str, *, cascade: bool = True, **more: Any) -> Any:
    """A foreign key column with an index; the row goes with its target unless ``cascade`` is false."""
    index = more.pop("index", True)
    return Field(foreign_key=target, ondelete="CASCADE" if cascade else "SET NULL", index=index, **more)


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

    __table_args__ = (sa.UniqueConstraint("study_id", "external_id"),)
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    participant_id: int = link("participant.id")
    arm_id: int | None = link("arm.id", cascade=False, default=None)
    external_id: str = Field(max_length=255)
    source: str = Field(default="imported", max_length=32)
    model_version: str | None = Field(default=None, max_length=255)
    served_at: datetime | None = None


class Impression(SQLModel, table=True):
    """One item at one position of a slate; positions count from 1."""

    __table_args__ = (
        sa.UniqueConstraint("slate_id", "position"),
        sa.CheckConstraint("position >= 1", name="position_from_one"),
    )
    id: int | None = Field(default=None, primary_key=True)
    slate_id: int = link("slate.id", index=False)
    item_id: int = link("item.id")
    position: int
    score: float | None = None
    explanation: str | None = Field(default=None, sa_type=TEXT)
    shown_at: datetime | None = None


class Rating(SQLModel, table=True):
    """What one person thought of one item, 1 to 5, and why. One revision a row; the current one counts."""

    __table_args__ = (
        current_only("uq_rating_current", "study_id", "row_key"),
        sa.CheckConstraint("rating between 1 and 5", name="rating_range"),
        sa.Index("ix_rating_slate_id", "slate_id"),
        sa.Index("ix_rating_item_id", "item_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    participant_id: int = link("participant.id")
    item_id: int = link("item.id", index=False)
    slate_id: int | None = link("slate.id", index=False, default=None)
    row_key: str = Field(max_length=32)
    current: bool = True
    rating: float
    """Linear value on 1 to 5; ordinal models round it half up."""
    raw_rating: float | None = None
    """The value before rescaling, when the source used another scale."""
    raw_scale: str | None = Field(default=None, max_length=32)
    """That other scale, as ``low..high``."""
    comment: str | None = Field(default=None, sa_type=TEXT)
    recommended: bool | None = None
    rated_at: datetime | None = None
    received_at: datetime = Field(default_factory=now)


class Response(SQLModel, table=True):
    """One person's answers to one instrument in one wave."""

    __table_args__ = (
        sa.UniqueConstraint("participant_id", "instrument", "wave"),
        sa.CheckConstraint("wave >= 1", name="wave_from_one"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    participant_id: int = link("participant.id", index=False)
    instrument: str = Field(max_length=64)
    version: str = Field(max_length=32)
    language: str | None = Field(default=None, max_length=16)
    wave: int = 1
    started_at: datetime = Field(default_factory=now)
    completed_at: datetime | None = None


class Answer(SQLModel, table=True):
    """One answer, with the wording that was shown. One revision a row; the current one counts."""

    __table_args__ = (
        current_only("uq_answer_current", "response_id", "question"),
        sa.CheckConstraint("value is not null or text is not null or refused", name="something_said"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    response_id: int = link("response.id")
    question: str = Field(max_length=64)
    current: bool = True
    value: float | None = None
    text: str | None = Field(default=None, sa_type=TEXT)
    refused: bool = False
    """True for "prefer not to say", which is not the same as missing."""
    wording: str | None = Field(default=None, sa_type=TEXT)
    answered_at: datetime | None = None
    received_at: datetime = Field(default_factory=now)


class Interaction(SQLModel, table=True):
    """Something a person did with an item."""

    __table_args__ = (
        sa.UniqueConstraint("study_id", "row_key"),
        one_of("kind", "view", "click", "purchase", "dismiss"),
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
    """``batch`` for the rows of this round's batch alone, empty for all rows up to it."""
    metric: str = Field(max_length=128)
    value: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n: int | None = None
    reason: str | None = Field(default=None, sa_type=TEXT)
    definition: str = Field(default="", sa_type=TEXT)
    method: str = Field(default="", sa_type=TEXT)
    code_version: str = Field(default="", max_length=32)


class Suggestion(SQLModel, table=True):
    """A change that the evidence supports, with the effect it predicts and the round that will judge it."""

    __table_args__ = (
        one_of("category", "algorithm", "interface", "data", "feedback"),
        one_of("status", "proposed", "accepted", "implemented", "judged", "declined", "expired"),
        sa.UniqueConstraint("round_id", "rule", "segment", "metric"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id")
    round_id: int = link("round.id", index=False)
    rule: str = Field(max_length=64)
    rule_version: int = 1
    category: str = Field(max_length=16)
    segment: str = Field(default="", max_length=255)
    metric: str = Field(max_length=64)
    title: dict[str, str] = Field(sa_type=JSON_TYPE)
    """By language."""
    change: dict[str, str] = Field(sa_type=JSON_TYPE)
    """What to change, by language."""
    figure: dict[str, Any] = Field(sa_type=JSON_TYPE)
    p_adjusted: float | None = None
    tested: int = 0
    """How many hypotheses were tried in the family that this one was found in."""
    predicted: dict[str, Any] = Field(sa_type=JSON_TYPE)
    judged_in_round: int
    evidence: dict[str, list[int]] = Field(default_factory=dict, sa_type=JSON_TYPE)
    against: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON_TYPE)
    """What speaks against it, each by language."""
    rank: float = 0.0
    status: str = Field(default="proposed", max_length=16)
    verdict: str | None = Field(default=None, max_length=32)
    created_at: datetime = Field(default_factory=now)


class SuggestionEvent(SQLModel, table=True):
    """One step in the life of a suggestion; append-only."""

    __tablename__ = "suggestion_event"
    id: int | None = Field(default=None, primary_key=True)
    suggestion_id: int = link("suggestion.id")
    kind: str = Field(max_length=16)
    actor: str = Field(max_length=255)
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    at: datetime = Field(default_factory=now)


class User(SQLModel, table=True):
    """Someone who may sign in to the admin pages."""

    __tablename__ = "user_account"
    __table_args__ = (one_of("role", "viewer", "analyst", "admin"),)
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, max_length=255)
    password_hash: str = Field(sa_type=TEXT)
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
