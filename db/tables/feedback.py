"""What people said: ratings and questionnaire answers. Append-only: exactly one revision per key is current."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, TEXT, current_only, link, now


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
        sa.Index("ix_response_study_id_instrument", "study_id", "instrument"),
    )
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = link("study.id", index=False)
    participant_id: int = link("participant.id", index=False)
    instrument: str = Field(max_length=64)
    version: str = Field(max_length=32)
    language: str | None = Field(default=None, max_length=16)
    wave: int = 1
    shown: dict[str, Any] | None = Field(default=None, sa_type=JSON_TYPE)
    """The order that the person saw: names of the questions, and values of the options by question; None when the
    answers came from elsewhere."""
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
