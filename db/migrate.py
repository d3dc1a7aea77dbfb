"""Bring a database to a version of the schema, safely when several processes start at once."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool

from db.engine import build_engine, is_sqlite

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 491_260_634_488


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to ``revision``. A second process waits for the first, then finds nothing to do."""
    _migrate(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Migrate down to ``revision``; ``base`` removes every table of ours."""
    _migrate(url, lambda config: command.downgrade(config, revision))


def status(url: str) -> tuple[str | None, str]:
    """The revision the database is at (None when it is empty) and the newest one."""
    engine = build_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None  # the folder ships with the package
    return current, head


def _migrate(url: str, step: Callable[[Config], None]) -> None:
    engine = build_engine(url, foreign_keys=False, poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if not is_sqlite(connection):
            connection.exec_driver_sql("SET LOCAL lock_timeout = '120s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        config.attributes["connection"] = connection
        step(config)
        _check_foreign_keys(connection)


def _check_foreign_keys(connection: sa.Connection) -> None:
    """SQLite migrates with foreign keys off, so that rebuilding a parent table does not delete its children."""
    if is_sqlite(connection):
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise RuntimeError(f"the migration left {len(broken)} rows without their parent; it was rolled back")
