"""Writers of one process take turns, on SQLite in a queue of their own."""

import threading
import time

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import build_engine, let_go, read_session, write_connection, write_session
from db.tables import Study
from tests.planting import plant_study


def test_a_writer_waits_without_asking_sqlite_again_and_again(sqlite_engine: sa.Engine) -> None:
    begun: list[str] = []

    @sa.event.listens_for(sqlite_engine, "begin")
    def _begin(_connection: sa.Connection) -> None:
        begun.append(threading.current_thread().name)

    def write() -> None:
        with write_connection(sqlite_engine) as connection:
            connection.execute(sa.select(col(Study.id)))

    with write_session(sqlite_engine) as session:
        plant_study(session)
        others = [threading.Thread(target=write, name=f"other-{n}") for n in range(3)]
        for other in others:
            other.start()
        time.sleep(0.2)
        assert begun == ["MainThread"]
    for other in others:
        other.join(5)
    assert sorted(begun) == ["MainThread", "other-0", "other-1", "other-2"]


def test_a_failed_writer_leaves_nothing_and_lets_the_next_one_in(engine: sa.Engine) -> None:
    try:
        with write_session(engine) as session:
            plant_study(session)
            raise RuntimeError("in the middle")
    except RuntimeError:
        pass
    done: list[int] = []

    def write() -> None:
        with write_connection(engine) as connection:
            done.append(len(connection.execute(sa.select(col(Study.id))).all()))

    other = threading.Thread(target=write)
    other.start()
    other.join(5)
    assert done == [0]


def test_a_transaction_within_another_of_the_same_thread_does_not_wait_for_itself(sqlite_engine: sa.Engine) -> None:
    began = time.monotonic()
    with write_session(sqlite_engine), write_session(sqlite_engine) as inner:  # the outer one has not begun to write
        plant_study(inner)
    assert time.monotonic() - began < 5
    with Session(sqlite_engine) as session:
        assert len(session.exec(select(Study)).all()) == 1


def test_a_reader_that_waits_for_something_else_leaves_its_connection_to_others(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        plant_study(session)
    narrow = build_engine(
        engine.url.render_as_string(hide_password=False), pool_size=1, max_overflow=0, pool_timeout=0.2
    )
    with read_session(narrow) as waiting:
        study = waiting.exec(select(Study)).one()
        let_go(waiting)
        with read_session(narrow) as other:
            assert other.exec(select(Study.slug)).one() == study.slug
        assert waiting.exec(select(Study.id)).one() == study.id, "it goes on where it was"
    with write_session(narrow) as writing:
        writing.get_one(Study, study.id).title = "kept"
        let_go(writing)
        writing.rollback()
    narrow.dispose()
    with read_session(engine) as session:
        assert session.exec(select(Study.title)).one() != "kept", "a transaction is not ended half way"
