"""``recux demo``, ``serve``, ``worker`` and ``db ...``."""

import socket
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from recux.cli.common import JsonOption, database, emit, say
from recux.settings import Settings

db = typer.Typer(help="Look after the database.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(epilog="Example: recux demo --participants 40 --seed 7")(demo)
    app.command(epilog="Example: recux serve --port 8501")(serve)
    app.command(epilog="Example: recux worker")(worker)
    app.add_typer(db, name="db")


def demo(
    participants: Annotated[int, typer.Option("--participants", metavar="N", min=1, help="People to simulate.")] = 60,
    rounds: Annotated[int, typer.Option("--rounds", metavar="N", min=1, help="Rounds to run.")] = 1,
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", help="Makes the pilot repeatable; another seed, another pilot.")
    ] = 1,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Stop after the rounds and print the main figures.")
    ] = False,
    reset: Annotated[
        bool | None, typer.Option("--reset/--keep", help="Rebuild an existing demonstration, or keep it.")
    ] = None,
) -> None:
    """Build a synthetic pilot, run whole rounds on it, then serve the app.

    Where a demonstration exists already, you are asked whether to keep it; --keep and --reset answer beforehand.
    """
    from recux.demo import run_demo

    run_demo(Settings(), participants=participants, rounds=rounds, seed=seed, serve=not no_serve, reset=reset)


def serve(
    host: Annotated[str | None, typer.Option("--host", metavar="H", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="P", min=1, max=65535, help="Port to listen on.")
    ] = None,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Leave rounds to workers started elsewhere.")] = False,
) -> None:
    """Serve the app and the API, and run a worker beside them."""
    from recux.serve import serve as serve_app

    given = {"host": host, "port": port}
    settings = Settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    database(settings)
    serve_app(settings, worker=not no_worker)


def worker(
    check: Annotated[
        bool, typer.Option("--check", help="Start nothing; exit 1 when no worker of this machine is alive.")
    ] = False,
) -> None:
    """Work on queued rounds until stopped."""
    settings = Settings()
    engine = database(settings)
    if check:
        _check_worker(engine)
        return
    from recux.rounds.worker import main

    main(settings)


def _check_worker(engine: sa.Engine) -> None:
    from db.engine import read_session
    from recux.errors import Unavailable
    from recux.rounds.leases import live_workers

    with read_session(engine) as session:
        here = [lease for lease in live_workers(session) if lease.host == socket.gethostname()]
    if not here:
        raise Unavailable("no worker of this machine is alive; start one with `recux worker`")
    for lease in here:
        print(f"worker {lease.pid} takes rounds from {', '.join(lease.queues)} since {lease.started_at:%Y-%m-%d %H:%M}")


@db.command(epilog="Example: recux db upgrade")
def upgrade() -> None:
    """Bring the database to the newest schema."""
    from db import migrate

    url = Settings().url
    migrate.upgrade(url)
    print(f"the database is at schema {migrate.status(url)[1]}")


@db.command(epilog="Example: recux db downgrade 0001")
def downgrade(
    revision: Annotated[
        str | None, typer.Argument(metavar="[REVISION]", help="Default: one step down; `base` removes everything.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Bring the database to an older schema. What only the newer one can hold is lost."""
    from alembic.util.exc import CommandError

    from db import migrate
    from recux.errors import InvalidInput

    url = Settings().url
    if not yes:
        typer.confirm(f"Go down to {revision or 'the schema before'}? Data may be lost.", abort=True, err=True)
    try:
        migrate.downgrade(url, revision or "-1")
    except CommandError as error:
        raise InvalidInput(f"{revision or '-1'} is not a schema to go down to: {error}") from None
    print(f"the database is at schema {migrate.status(url)[0] or 'base (no tables)'}")


@db.command(epilog="Example: recux db status")
def status(as_json: JsonOption = False) -> None:
    """Compare the database's schema with the newest one."""
    from db import migrate

    current, newest = migrate.status(Settings().url)
    if as_json:
        emit({"current": current, "newest": newest, "up_to_date": current == newest})
        return
    print(f"schema {current or 'none (an empty database)'}, newest {newest}")
    if current != newest:
        say("run `recux db upgrade`")


@db.command(epilog="Example: recux db backup recux-backup.zip")
def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")]) -> None:
    """Write everything in the database to one file, while people go on answering."""
    from recux.operate.backup import backup as write_backup

    settings = Settings()
    database(settings)
    rows = write_backup(settings.url, file)
    print(f"wrote {sum(rows.values())} rows of {len(rows)} tables to {file}")


@db.command(epilog="Example: recux db restore recux-backup.zip")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    erased: Annotated[
        Path | None,
        typer.Option("--erased", metavar="LIST", help="Who must stay erased; default: erasures.jsonl in RECUX_HOME."),
    ] = None,
) -> None:
    """Write a backup into an empty database; every checksum is verified first, and the erased are erased again."""
    from recux.errors import InvalidInput
    from recux.operate.backup import restore as read_backup
    from recux.operate.erasures import FILE

    settings = Settings()
    database(settings)
    usual = settings.home / FILE
    if erased is not None and not erased.is_file():
        raise InvalidInput(f"{erased} does not exist; name the list of the erased, or leave --erased out")
    lists = [path for path in (usual, erased) if path is not None and path.is_file()]
    done = read_backup(settings.url, file, erased=lists)
    print(f"restored {sum(done.rows.values())} rows of {len(done.rows)} tables")
    if not lists:
        say(f"note: there is no {usual}; whoever was erased after the backup was taken has come back with it")
    if any(done.erased_again.values()):
        again = done.erased_again
        print(f"erased again: {again['person']} people, {again['study']} studies; {again['withdrawal']} withdrew again")


@db.command(epilog="Example: RECUX_SECRET_KEY=NEW,OLD recux db reseal")
def reseal() -> None:
    """Seal panel ids again with the first key of RECUX_SECRET_KEY, so that the keys after it can go."""
    from db.engine import write_session
    from recux.access.panels import keys_from, seal_again

    settings = Settings()
    with write_session(database(settings)) as session:
        changed = seal_again(session, keys_from(settings.secret_key))
    print(f"sealed the ids of {changed} panel members again")
    say("the keys after the first are no longer needed, except to restore an older backup")


@db.command(epilog="Example: recux db clean --dry-run")
def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete data past its study's [retention], and old uploads; workers do it every hour."""
    from dataclasses import asdict

    from db.tables import now
    from recux.operate.retention import clean as clean_now

    settings = Settings()
    done = clean_now(database(settings), settings, now(), dry_run=dry_run)
    if as_json:
        emit(asdict(done) | {"dry_run": dry_run})
        return
    verb = "would delete" if dry_run else "deleted"
    for one in done.rows:
        print(f"{verb} {one.rows} {one.kind} of study {one.study} (kept for {one.days} days)")
    print(f"{verb} {done.files} old files" if done.rows or done.files else "nothing is past its limit")
