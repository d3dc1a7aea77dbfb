"""``recux demo``, ``serve``, ``worker`` and ``db ...``."""

import sys
from pathlib import Path
from typing import Annotated

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
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Another seed, another pilot.")] = 1,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Stop after the rounds and print the main figures.")
    ] = False,
    reset: Annotated[
        bool | None, typer.Option("--reset/--keep", help="An existing demonstration: anew, or as it is.")
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


def worker() -> None:
    """Work on queued rounds until stopped."""
    from recux.rounds.worker import main

    settings = Settings()
    database(settings)
    main(settings)


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
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Go down to {revision or 'the schema before'}? Data may be lost.", abort=True, err=True)
    try:
        migrate.downgrade(url, revision or "-1")
    except CommandError as error:
        raise InvalidInput(f"{revision or '-1'} is no schema to go down to: {error}") from None
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
def restore(file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")]) -> None:
    """Write a backup into an empty database; every checksum is verified first."""
    from recux.operate.backup import restore as read_backup

    settings = Settings()
    database(settings)
    rows = read_backup(settings.url, file)
    print(f"restored {sum(rows.values())} rows of {len(rows)} tables")
