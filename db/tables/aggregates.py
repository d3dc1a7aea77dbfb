"""What rounds keep of their figures' ingredients, so that the next one reads only what came since.

Nothing here is the only place of anything: all of it can be computed again from the rows.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from db.tables.columns import JSON_TYPE, link


class StudyAggregate(SQLModel, table=True):
    """Up to which batch a study's aggregates go, and what they assume."""

    __tablename__ = "study_aggregate"
    study_id: int = link("study.id", index=False, primary_key=True)
    batch: int
    """Number of the last batch in them."""
    closed_at: datetime
    """When it was closed."""
    people: int
    """Participants in them; fewer rows in ``person_aggregate`` mean that somebody was erased."""
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    """What they assume and how far they go: fields, k, last row ids."""


class ArmAggregate(SQLModel, table=True):
    """Sums over people and calls of one arm, or of everyone (empty arm)."""

    __tablename__ = "arm_aggregate"
    study_id: int = link("study.id", index=False, primary_key=True)
    arm: str = Field(primary_key=True, max_length=64)
    sums: dict[str, Any] = Field(default_factory=dict, sa_type=JSON_TYPE)
    items: bytes = Field(sa_type=sa.LargeBinary)
    """Item, impressions and people who reacted, as 64-bit integers."""
    calls: bytes = Field(sa_type=sa.LargeBinary)
    """Durations in milliseconds and how often each occurred, as 64-bit floats."""


class PersonAggregate(SQLModel, table=True):
    """One person's part of the sums of one arm, or of everyone (empty arm): what is taken away when it changes."""

    __tablename__ = "person_aggregate"
    participant_id: int = link("participant.id", index=False, primary_key=True)
    arm: str = Field(primary_key=True, max_length=64)
    study_id: int = link("study.id")
    own_arm: int | None = None
    """The person's arm at that time; another one since means that all of it must be computed again."""
    fields: bytes = Field(sa_type=sa.LargeBinary)
    """One 64-bit float for each of the study's fields, NaN where there is none."""
    items: bytes = Field(sa_type=sa.LargeBinary)
    """Item, impressions and whether the person reacted, as 64-bit integers."""


class CommentMark(SQLModel, table=True):
    """A long comment's hash, to find the same words from another person without reading everybody's."""

    __tablename__ = "comment_mark"
    __table_args__ = (sa.Index("ix_comment_mark_study_id_mark", "study_id", "mark"),)
    participant_id: int = link("participant.id", index=False, primary_key=True)
    mark: int = Field(primary_key=True, sa_type=sa.BigInteger)
    study_id: int = link("study.id", index=False)
