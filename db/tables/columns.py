"""Column kinds and rules that the tables share, the same on both databases."""

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
