"""``recux user ...``: who may sign in to the admin pages."""

import secrets
import sys
from enum import StrEnum
from typing import Annotated

import typer

from recux.cli.common import JsonOption, database, emit, say, show_table
from recux.errors import InvalidInput
from recux.settings import Settings

app = typer.Typer(help="Manage who may sign in to the admin pages.", no_args_is_help=True, rich_markup_mode=None)
EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address the user signs in with.")]


class Role(StrEnum):
    """What a user may do."""

    viewer = "viewer"
    analyst = "analyst"
    admin = "admin"


@app.command(epilog="Example: recux user create ada@example.org --role admin")
def create(
    email: EmailArgument,
    role: Annotated[Role, typer.Option("--role", help="What the user may do.")] = Role.viewer,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Create a user. Without --password-stdin a password is generated and printed once."""
    from db.engine import write_session
    from recux.access.accounts import create_user

    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
    if not password:
        raise InvalidInput("standard input holds no password")
    with write_session(database(Settings())) as session:
        create_user(session, email, password, role.value)
    say(f"created {role.value} {email}")
    if not password_stdin:
        print(f"password: {password}")


@app.command("list", epilog="Example: recux user list")
def list_(as_json: JsonOption = False) -> None:
    """List users."""
    from db.engine import read_session
    from recux.access.accounts import list_users

    with read_session(database(Settings())) as session:
        users = [
            {"email": user.email, "role": user.role, "disabled": user.disabled_at is not None}
            for user in list_users(session)
        ]
    if as_json:
        emit(users)
    else:
        show_table(("email", "role", "disabled"), [list(user.values()) for user in users])


@app.command(epilog="Example: recux user disable ada@example.org")
def disable(email: EmailArgument) -> None:
    """Disable a user; open sessions end."""
    from db.engine import write_session
    from recux.access.accounts import disable_user

    with write_session(database(Settings())) as session:
        disable_user(session, email)
    print(f"disabled {email}")
