"""The schema goes up and down on both databases, and says what the tables say."""

import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import db.tables
from db.engine import build_engine
from db.migrate import downgrade, status, upgrade


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return request.getfixturevalue("empty_postgres_url")


def tables_of(url):
    engine = build_engine(url)
    with engine.connect() as connection:
        names = set(sa.inspect(connection).get_table_names())
    engine.dispose()
    return names - {"alembic_version"}


def test_up_then_down_leaves_nothing_behind(empty_url):
    upgrade(empty_url)
    assert tables_of(empty_url) == set(SQLModel.metadata.tables)
    downgrade(empty_url, "base")
    assert tables_of(empty_url) == set()


def test_the_migrated_schema_is_the_one_the_tables_describe(empty_url):
    upgrade(empty_url)
    engine = build_engine(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_status_names_the_present_and_the_newest_revision(empty_url):
    assert status(empty_url)[0] is None
    upgrade(empty_url)
    current, head = status(empty_url)
    assert current == head


def test_processes_that_start_together_migrate_once(empty_url):
    code = f"from db.migrate import upgrade; upgrade({empty_url!r})"
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(3)]
    errors = [process.communicate(timeout=60)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    assert tables_of(empty_url) == set(SQLModel.metadata.tables)


def test_the_database_refuses_a_rating_of_seven(engine):
    with engine.begin() as connection:
        connection.execute(sa.insert(db.tables.Study).values(slug="s", title="S", salt="x", **_defaults()))
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(
            sa.insert(db.tables.Rating).values(
                study_id=1, participant_id=1, item_id=1, row_key="k", current=True, rating=7
            )
        )


def _defaults():
    study = db.tables.Study(slug="s", title="S", salt="x")
    return study.model_dump(exclude={"id", "slug", "title", "salt"})
