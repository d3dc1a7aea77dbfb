"""Suggestions and the steps of their lives."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, link, now, one_of


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
    effort: float = 1.0
    """Set by people: 1 is a day's work, 3 a project; the rank is divided by it."""
    owner: str | None = Field(default=None, max_length=255)
    """Who sees to it: the address of an account."""
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
