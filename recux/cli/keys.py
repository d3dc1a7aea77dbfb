"""``recux key ...``: what programs may do over the HTTP API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from recux.cli.common import JsonOption, StudyOption, database, emit, say, show_table
from recux.errors import InvalidInput
from recux.settings import Settings

app = typer.Typer(help="Manage the keys of programs that use the API.", no_args_is_help=True, rich_markup_mode=None)
UNITS = {"h": 1, "d": 24, "w": 168}


@app.command(
    epilog="Example: recux key create shop-backend --scope ingest --scope collect --study spring --expires 90d"
)
def create(  # noqa: PLR0917 - typer fills them by name
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which program it is for.")],
    scope: Annotated[list[str], typer.Option("--scope", help="ingest, collect, predict or read; may be repeated.")],
    study: Annotated[
        str | None, typer.Option("--study", metavar="SLUG", help="The only study it opens; without it, all.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="WHEN", help="12h, 90d, 4w, or a date such as 2027-06-30.")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", metavar="N", help="Requests a minute; default 3000.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a key. It is printed once and stored nowhere."""
    from db.engine import write_session
    from recux.access.keys import PER_MINUTE, create_key
    from recux.collect.studies import get_study

    until = expiry(expires) if expires else None
    with write_session(database(Settings())) as session:
        only = get_study(session, study) if study else None
        rate = PER_MINUTE if per_minute is None else per_minute
        row, secret = create_key(session, name, scope, study=only, expires_at=until, per_minute=rate)
    if as_json:
        emit({"key": secret, "prefix": row.prefix, "scopes": row.scopes, "study": study, "expires_at": until})
        return
    say(f"key {row.prefix} for {row.name}: {', '.join(row.scopes)}; keep what follows, it is shown only now")
    print(secret)


@app.command("list", epilog="Example: recux key list")
def list_(as_json: JsonOption = False) -> None:
    """List keys, including those that have ended."""
    from db.engine import read_session
    from recux.access.keys import list_keys

    with read_session(database(Settings())) as session:
        keys = [
            {
                "prefix": key.prefix,
                "name": key.name,
                "scopes": key.scopes,
                "study": slug,
                "per_minute": key.per_minute,
                "expires_at": key.expires_at,
                "last_used_at": key.last_used_at,
                "revoked": key.revoked_at is not None,
            }
            for key, slug in list_keys(session)
        ]
    if as_json:
        emit(keys)
        return
    rows = [[", ".join(cell) if isinstance(cell, list) else cell for cell in key.values()] for key in keys]
    show_table(("prefix", "name", "scopes", "study", "per minute", "expires", "last used", "revoked"), rows)


@app.command(epilog="Example: recux key revoke rx_1a2b3c4d")
def revoke(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The key's beginning, rx_ and 8 digits.")],
) -> None:
    """End a key; every web process refuses it within five seconds."""
    from db.engine import write_session
    from recux.access.keys import revoke_key

    with write_session(database(Settings())) as session:
        row = revoke_key(session, prefix)
    print(f"revoked {row.prefix} ({row.name})")


@app.command(epilog="Example: recux key embed --study spring")
def embed(study: StudyOption) -> None:
    """Print the key with which a web app signs the ids of its users for this study.

    It follows from RECUX_SECRET_KEY and ends with it; treat it like a password.
    """
    from db.engine import read_session
    from recux.access.embedding import study_key
    from recux.collect.studies import get_study

    settings = Settings()
    with read_session(database(settings)) as session:
        print(study_key(settings, get_study(session, study)))


def expiry(text: str) -> datetime:
    """``12h``, ``90d``, ``4w`` from now, or the end of an ISO date. Raises InvalidInput."""
    number, unit = text[:-1], text[-1:]
    if number.isdecimal() and unit in UNITS and int(number) < 1_000_000:
        return datetime.now(UTC) + timedelta(hours=int(number) * UNITS[unit])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"--expires {text!r} is not a time; write 12h, 90d, 4w or a date such as 2027-06-30"
        ) from None
    if len(text) == len("2027-06-30"):
        found += timedelta(days=1)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
