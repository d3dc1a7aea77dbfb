"""The command tree."""

import typer

from recux.cli import data, invites, keys, rounds, service, study, users

app = typer.Typer(
    name="recux",
    help="Measure the user experience of a recommender system and improve it, round by round.",
    epilog="Example: recux demo   |   Every command has its own --help with an example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _settings() -> None:
    """Measure the user experience of a recommender system and improve it, round by round.

    RECUX_HOME (default ./var) holds the SQLite file, rounds (models, training logs), uploads, quarantine files and
    erasures.jsonl; RECUX_DATABASE_URL names another database. Processes log to standard error.
    """


invites.add_to(study.app)
app.add_typer(study.app, name="study")
data.add_to(app)
rounds.add_to(app)
app.add_typer(users.app, name="user")
app.add_typer(keys.app, name="key")
service.add_to(app)
