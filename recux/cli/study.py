"""``recux study ...``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recux.cli.common import JsonOption, SlugArgument, database, emit, say, show_table
from recux.settings import Settings

app = typer.Typer(help="Create, launch, look at and end studies.", no_args_is_help=True, rich_markup_mode=None)


CREATE_EXAMPLE = """
\b
Example: recux study create spring --file STUDY.toml

A STUDY.toml, of which any line may be left out (docs/study-file.md explains every key):

\b
title = "Spring pilot"
instruments = ["nps", "csat"]
steps = ["consent", "preferences", "slate", "questionnaires", "thanks"]
design = "crossover"
per_list = ["csat"]
shuffle = true
[debrief]
en = "We compared two ways of recommending."
[panel]
parameter = "PROLIFIC_PID"
completion_code = "C1A2B3"
[[arms]]
key = "a"
source = "popularity"
[[arms]]
key = "b"
source = "content"
"""


@app.command(epilog=CREATE_EXAMPLE)
def create(
    slug: SlugArgument,
    file: Annotated[Path | None, typer.Option("--file", metavar="STUDY.toml", help="The study's definition.")] = None,
    template: Annotated[
        str | None, typer.Option("--template", metavar="DOMAIN", help="e-commerce, content, social, medical or travel.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a draft. Without a file: one arm `default`, NPS and CSAT."""
    from db.engine import write_session
    from recux.access import audit
    from recux.collect.studies import create_study, read_definition

    definition = read_definition(file, template=template)
    with write_session(database(Settings())) as session:
        study = create_study(session, slug, definition)
        audit.record(session, actor=audit.COMMAND_LINE, action="study.create", target=slug)
        document = _document(session, study)
    if as_json:
        emit(document)
    else:
        print(f"created study {slug} with {_arm_words(document)}")
        say(f"next: recux import items FILE --study {slug}, then recux study launch {slug}")


@app.command("list", epilog="Example: recux study list")
def list_(as_json: JsonOption = False) -> None:
    """List all studies, newest first."""
    from db.engine import read_session
    from recux.collect.studies import list_studies

    with read_session(database(Settings())) as session:
        documents = [_document(session, study) for study in list_studies(session)]
    if as_json:
        emit(documents)
        return
    columns = ("slug", "status", "domain", "participants", "items", "ratings", "title")
    show_table(columns, [[document[column] for column in columns] for document in documents])


@app.command(epilog="Example: recux study show spring --json")
def show(slug: SlugArgument, as_json: JsonOption = False) -> None:
    """Show a study: its settings, arms and what was collected."""
    from db.engine import read_session
    from recux.collect.studies import get_study

    with read_session(database(Settings())) as session:
        document = _document(session, get_study(session, slug))
    if as_json:
        emit(document)
        return
    for name, value in document.items():
        if name != "arms":
            print(f"{name:20} {value}")
    for arm in document["arms"]:
        facts = f"source {arm['source']}, weight {arm['weight']:g}, {arm['participants']} people"
        print(f"{'arm ' + arm['key']:20} {arm['title']}, {facts}")


@app.command(epilog="Example: recux study launch spring")
def launch(slug: SlugArgument) -> None:
    """Open a draft to participants; participants without an arm are assigned one."""
    from db.engine import write_session
    from recux.access import audit
    from recux.collect.studies import get_study, launch_study

    with write_session(database(Settings())) as session:
        cautions = launch_study(session, get_study(session, slug))
        audit.record(session, actor=audit.COMMAND_LINE, action="study.launch", target=slug)
    print(f"study {slug} is live")
    for caution in cautions:
        say(f"keep in mind: {caution}")
    say(f"next: recux study invite {slug} --count 10")


@app.command(epilog="Example: recux study close spring")
def close(slug: SlugArgument) -> None:
    """End a study: nothing more is collected or imported."""
    from db.engine import write_session
    from recux.access import audit
    from recux.collect.studies import close_study, get_study

    with write_session(database(Settings())) as session:
        close_study(session, get_study(session, slug))
        audit.record(session, actor=audit.COMMAND_LINE, action="study.close", target=slug)
    print(f"study {slug} is closed")


@app.command(epilog="Example: recux study export spring -o spring.zip")
def export(
    slug: SlugArgument,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A new folder or a new .zip file.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Leave e-mail addresses and long numbers in comments.")] = False,
) -> None:
    """Write everything of a study as CSV files; cells cannot run as spreadsheet formulas. E-mail addresses and long
    numbers that people wrote in comments are masked, unless asked for; that is noted in the audit log.
    """
    from db.engine import read_session, write_session
    from recux.access import audit
    from recux.collect.studies import get_study
    from recux.collect.study_data import export_study

    target = output or Path(f"{slug}-export.zip")
    with write_session(database(Settings())) as session:
        get_study(session, slug)
        audit.record(session, actor=audit.COMMAND_LINE, action="study.export", target=slug, raw=raw)
    with read_session(database(Settings())) as session:
        counts = export_study(session, get_study(session, slug), target, raw=raw)
    print(f"wrote {sum(counts.values())} rows in {len(counts)} files to {target}")


@app.command(epilog="Example: recux study erase spring --yes")
def erase(
    slug: SlugArgument, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False
) -> None:
    """Erase a study with everything in it: people, answers, models, files. This cannot be undone."""
    from db.engine import write_session
    from recux.access import audit
    from recux.collect.studies import get_study
    from recux.collect.study_data import erase_files, erase_study
    from recux.operate.erasures import keep

    settings = Settings()
    engine = database(settings)
    with write_session(engine) as session:
        get_study(session, slug)
    if not yes:
        typer.confirm(f"Erase study {slug} with all its people, answers and models for good?", abort=True, err=True)
    with write_session(engine) as session:
        files = erase_study(session, get_study(session, slug))
        audit.record(session, actor=audit.COMMAND_LINE, action="study.erase", target=slug)
    erase_files(settings.home, files)
    keep(engine, settings.home)
    print(f"erased study {slug}")


def _document(session: Any, study: Any) -> dict[str, Any]:
    from recux.collect.study_data import summary

    return summary(session, study)


def _arm_words(document: dict[str, Any]) -> str:
    arms = ", ".join(arm["key"] for arm in document["arms"])
    asked = ", ".join(document["instruments"]) or "no instruments"
    return f"{'arm' if len(document['arms']) == 1 else 'arms'} {arms} and {asked}"
