"""``recux import``, ``recux report``, ``recux predict``."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from recux.cli.common import JsonOption, StudyOption, as_file, database, emit, progress_bar, say
from recux.settings import Settings


class Kind(StrEnum):
    """What can be imported."""

    participants = "participants"
    items = "items"
    slates = "slates"
    interactions = "interactions"
    ratings = "ratings"
    responses = "responses"
    requests = "requests"


class Head(StrEnum):
    """What can be predicted."""

    satisfaction = "satisfaction"
    rating = "rating"
    behaviour = "behaviour"


class Format(StrEnum):
    """How a report can be written."""

    json = "json"
    html = "html"
    md = "md"


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.command(
        "import",
        epilog="Example: recux import ratings ratings.csv.gz --study spring --map examples/movielens_ratings.toml",
    )(import_)
    app.command(epilog="Example: recux report --study spring --format html -o spring.html")(report)
    app.command(epilog="Example: recux predict --study spring --head satisfaction comments.txt")(predict)


def import_(  # noqa: PLR0917 - typer fills them by name
    kind: Annotated[
        Kind,
        typer.Argument(
            metavar="KIND", help="participants, items, slates, interactions, ratings, responses or requests."
        ),
    ],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, JSON Lines or Parquet, gzipped or not; - is standard input.")
    ],
    study: StudyOption,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="MAP.toml", help="How the file's columns map to recux's.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Keep the good rows of a file that has bad ones.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try it without writing anything.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Import a file: all of it, or nothing unless --skip-bad. The same file twice changes nothing."""
    from db.engine import write_session
    from recux.access import audit
    from recux.ingest import Refused, import_file

    settings = Settings()
    engine = database(settings)
    with as_file(file) as path, progress_bar() as bar:
        task = bar.add_task(f"importing {kind.value}", total=None)
        try:
            result = import_file(
                engine,
                study,
                kind.value,
                path,
                map_path=map_file,
                skip_bad=skip_bad,
                dry_run=dry_run,
                quarantine_folder=settings.folder("quarantine"),
                progress=lambda rows: bar.update(task, description=f"importing {kind.value}: {rows:,} rows"),
            )
        except Refused as refusal:
            if as_json:
                emit(refusal.result.to_json())
            raise
    if not dry_run:
        counts = {"read": result.read, "written": result.written, "updated": result.updated}
        with write_session(engine) as session:
            audit.record(
                session, actor=audit.COMMAND_LINE, action=f"import.{kind.value}", target=study, file=path.name, **counts
            )
    if result.ignored_columns:
        say(f"not used: the columns {', '.join(result.ignored_columns)}")
    if as_json:
        emit(result.to_json())
        return
    print(
        f"{'dry run: ' if dry_run else ''}read {result.read}, written {result.written}, updated {result.updated}, "
        f"unchanged {result.unchanged}, quarantined {result.quarantined}"
    )
    if result.quarantine_file:
        say(f"rows put aside, with reasons: {result.quarantine_file}")


def report(
    study: StudyOption,
    form: Annotated[Format, typer.Option("--format", help="Format of the report.")] = Format.json,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write to this file; default: standard output."),
    ] = None,
    without_flagged: Annotated[
        bool, typer.Option("--without-flagged", help="Leave out answers that look careless.")
    ] = False,
    language: Annotated[str | None, typer.Option("--language", metavar="L", help="en or zh_CN.")] = None,
) -> None:
    """Write the report of a study; before any round it has no model figures."""
    from db.engine import read_session
    from recux.collect.studies import get_study
    from recux.report import build_report, to_html, to_markdown

    language = language and _known_language(language)
    with read_session(database(Settings())) as session:
        document = build_report(session, get_study(session, study), without_flagged=without_flagged, language=language)
    writers: dict[Format, Any] = {Format.json: _as_json, Format.html: to_html, Format.md: to_markdown}
    text = writers[form](document)
    if output is None:
        print(text)
    else:
        output.write_text(text, encoding="utf-8")
        say(f"wrote {output}")


def predict(
    study: StudyOption,
    head: Annotated[Head, typer.Option("--head", help="What to predict.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Default: standard input.")] = None,
) -> None:
    """Predict with the model that serves; one JSON object per line, in input order.

    satisfaction reads a column `text` of CSV, JSON Lines or Parquet, or plain lines; rating and behaviour read the
    columns `participant_id` and `item_id`, behaviour also `position`, the item's place in the list (without it, 1).
    `predicted` may be another star than the likeliest: stars are called so that they agree best with people's own over
    all texts (the highest quadratic kappa that the probabilities promise).
    """
    from db.engine import read_session
    from recux.cli.predictions import read_pairs, read_texts
    from recux.collect.studies import get_study
    from recux.rounds.predict import predict_pairs, predict_texts

    settings = Settings()
    home = settings.home.resolve()
    with read_session(database(settings)) as session:
        chosen = get_study(session, study)
        if head is Head.satisfaction:
            rows = predict_texts(session, chosen, read_texts(file), home=home)
        else:
            rows = predict_pairs(session, chosen, head.value, read_pairs(file), home=home)
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))


def _known_language(code: str) -> str:
    """``zh-CN`` as ``zh_CN``; wrong usage for a language that reports are not written in."""
    from recux.report.language import available

    language = code.replace("-", "_")
    if language not in available():
        raise typer.BadParameter(f"{code!r} is not a language of reports; there are {', '.join(available())}")
    return language


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
