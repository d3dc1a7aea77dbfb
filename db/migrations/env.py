"""Alembic's entry point: runs on the connection that ``db.migrate`` opened."""

from alembic import context
from sqlmodel import SQLModel

import db.tables  # noqa: F401 - fills the metadata
from db.engine import is_sqlite

target = SQLModel.metadata
connection = context.config.attributes["connection"]


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table belongs to recux; the queue keeps tables of its own in the same database."""
    return kind != "table" or name in target.tables


context.configure(
    connection=connection,
    target_metadata=target,
    include_name=ours,
    transactional_ddl=True,
    render_as_batch=is_sqlite(connection),
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
