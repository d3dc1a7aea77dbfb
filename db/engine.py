"""Engines and sessions from a URL. Every difference between SQLite and Postgres lives here and in ``bulk``.

SQLite runs in WAL mode with foreign keys on. Its transactions begin IMMEDIATE, so that two writers wait for each
other instead of failing in the middle; readers use :func:`read_session`, which begins DEFERRED and blocks nobody.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlmodel import Session, SQLModel

from db.bulk import FEW, can_copy, insert_rows

WAIT = 30
"""Seconds that a writer waits for another one before it fails."""
AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""What is raised while the database does not answer: it is away or locked, or every connection waits for it."""
PRAGMAS = (f"busy_timeout={WAIT * 1000}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


@lru_cache(maxsize=8)
def engine_for(url: str) -> sa.Engine:
    """The process's one engine for ``url``; the folder of a SQLite file is created."""
    return build_engine(url)


def build_engine(url: str, *, foreign_keys: bool = True, **options: Any) -> sa.Engine:
    """A new engine. ``foreign_keys=False`` is for migrations, which rebuild SQLite tables."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True, **options)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, **options)
    _prepare_sqlite(engine, foreign_keys=foreign_keys)
    return engine


def _prepare_sqlite(engine: sa.Engine, *, foreign_keys: bool) -> None:
    pragmas = PRAGMAS if foreign_keys else (*PRAGMAS[:-1], "foreign_keys=OFF")

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late to be IMMEDIATE
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {mode}")


def is_sqlite(bind: sa.Engine | sa.Connection) -> bool:
    """Whether the database behind ``bind`` is SQLite."""
    return bind.dialect.name == "sqlite"


@contextmanager
def write_session(engine: sa.Engine) -> Iterator[Session]:
    """One transaction: committed at the end of the block, rolled back when it raises."""
    with _turn(engine), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def write_connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The same without a session, for the few statements of a click."""
    with _turn(engine), engine.begin() as connection:
        yield connection


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    """SQLite: this thread's turn to write. SQLite itself lets a writer that finds it locked sleep for up to 100 ms and
    look again, while others overtake it; threads of one process wait in a queue instead, and are woken.
    """
    queue = _turns(engine.url) if is_sqlite(engine) else None
    # One that waited in vain goes on: another process may be the one that writes, and SQLite then says so.
    mine = queue is not None and queue.acquire(timeout=WAIT)
    try:
        yield
    finally:
        if queue is not None and mine:
            queue.release()


@lru_cache(maxsize=64)
def _turns(_url: sa.URL) -> threading.RLock:
    return threading.RLock()


@contextmanager
def read_session(engine: sa.Engine) -> Iterator[Session]:
    """A session for reading only; it never blocks a writer."""
    with Session(engine.execution_options(sqlite_begin="DEFERRED"), expire_on_commit=False) as session:
        yield session


def let_go(session: Session) -> None:
    """Give a reading session's connection back before it waits for something else, such as another process: a pool has
    few, and whoever clicks meanwhile needs one. The next statement takes one again. A writing session keeps its own.
    """
    if session.get_bind().get_execution_options().get("sqlite_begin") == "DEFERRED":
        session.commit()


def insert_if_new(session: Session, table: type[SQLModel], row: dict[str, Any], *, key: list[str]) -> bool:
    """Insert ``row`` unless ``key`` (the columns of a unique constraint) is taken; whether it was inserted.

    Waits for another transaction that is about to insert the same key.
    """
    insert = sqlite.insert if is_sqlite(session.get_bind()) else postgresql.insert
    statement = insert(table).values(row).on_conflict_do_nothing(index_elements=key)
    inserted = session.connection().execute(statement.returning(sa.literal(1)))
    return inserted.first() is not None


def insert_many(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    """Insert ``rows``, all with the same columns; many at once go the fastest way of the database."""
    connection = session.connection()
    if len(rows) < FEW or not can_copy(table, rows[0]):
        if rows:
            connection.execute(sa.insert(table), rows)
        return
    names = list(rows[0])
    insert_rows(connection, table, names, [[row[name] for name in names] for row in rows])
