"""``recux batch ...`` and ``recux round ...``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recux.cli.common import JsonOption, StudyOption, database, emit, progress_bar, say, show_table
from recux.errors import Conflict, NotFound
from recux.settings import Settings

batch = typer.Typer(help="Close what was collected.", no_args_is_help=True, rich_markup_mode=None)
round_ = typer.Typer(help="Run rounds and look at them.", no_args_is_help=True, rich_markup_mode=None)
HEADLINES = ("auc", "qwk", "mae", "log_loss", "pinball")
SHOWN = ("number", "status", "stage", "batch_size", "started_at", "finished_at")


def add_to(app: typer.Typer) -> None:
    """Hang the commands into the tree."""
    app.add_typer(batch, name="batch")
    app.add_typer(round_, name="round")


@batch.callback()
def _batch() -> None:
    """Close what was collected."""


@batch.command(epilog="Example: recux batch close --study spring")
def close(study: StudyOption, as_json: JsonOption = False) -> None:
    """Close the open batch and queue its round for the worker."""
    from db.engine import read_session
    from recux.collect.studies import get_study
    from recux.rounds.queue import close_and_enqueue

    settings = Settings()
    with read_session(database(settings)) as session:
        study_id = get_study(session, study).id
    assert study_id is not None
    queued = close_and_enqueue(settings, study_id)
    if queued is None:
        raise Conflict(f"study {study!r} has no ratings or answers since its last batch; collect or import some first")
    if as_json:
        emit({"study": study, "round": queued.number, "status": queued.status})
    else:
        print(f"batch {queued.number} of study {study} is closed; its round waits for a worker")


@round_.command(epilog="Example: recux round run --study spring --seed 7")
def run(  # noqa: PLR0917 - options of a command
    study: StudyOption,
    base_model: Annotated[
        str | None,
        typer.Option("--base-model", metavar="M", help="A folder or a hub id; default: the embedded encoder."),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="D", help="cpu, cuda, cuda:1 or mps; default: the best there is.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", help="Makes the round repeatable.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option("--recipe", metavar="FILE", help="Settings of training, a JSON file."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the oldest unfinished round, or close the open batch and run its round, here and to the end.

    A round is unfinished when it failed or was cut off. Exit 1 when there is none and nothing new was collected.
    """
    from db.engine import read_session
    from recux.collect.studies import get_study
    from recux.learn.recipe import read_settings
    from recux.rounds.foreground import run_study

    settings = Settings()
    engine = database(settings)
    with read_session(engine) as session:
        study_id = get_study(session, study).id
    assert study_id is not None
    asked = {"base_model": base_model, "device": device, "seed": seed, "settings": recipe and read_settings(recipe)}
    with progress_bar() as bar:
        task = bar.add_task("closing the batch", total=None)

        def show(stage: str, progress: dict[str, Any]) -> None:
            said = progress.get("stage", stage)
            bar.update(task, description=said, completed=progress.get("step", 0), total=progress.get("of"))

        config = {name: value for name, value in asked.items() if value is not None}
        done = run_study(settings, study_id, config=config, show=show)
    with read_session(engine) as session:
        document = _document(session, study_id, done.number)
    _print(document, as_json=as_json)


@round_.command("list", epilog="Example: recux round list --study spring")
def list_(study: StudyOption, as_json: JsonOption = False) -> None:
    """List the rounds of a study, oldest first."""
    from db.engine import read_session
    from db.queries import rounds_of
    from recux.collect.studies import get_study

    with read_session(database(Settings())) as session:
        study_id = get_study(session, study).id
        assert study_id is not None
        documents = [_brief(session, found) for found in rounds_of(session, study_id)]
    if as_json:
        emit(documents)
    else:
        show_table(SHOWN, [[document[name] for name in SHOWN] for document in documents])


@round_.command(epilog="Example: recux round show 1 --study spring")
def show(
    study: StudyOption,
    number: Annotated[int | None, typer.Argument(metavar="[NUMBER]", help="Default: the last one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one round: its state, its models beside the baselines, its suggestions."""
    from db.engine import read_session
    from recux.collect.studies import get_study

    with read_session(database(Settings())) as session:
        study_id = get_study(session, study).id
        assert study_id is not None
        document = _document(session, study_id, number)
    _print(document, as_json=as_json)


def _brief(session: Any, found: Any) -> dict[str, Any]:
    from db.tables import Batch

    collected = session.get(Batch, found.batch_id)
    times = {name: getattr(found, name) for name in ("created_at", "started_at", "finished_at")}
    return {
        "number": found.number,
        "status": found.status,
        "stage": found.stage,
        "batch_size": collected.ratings + collected.answers,
        **{name: time.isoformat(timespec="seconds") if time else None for name, time in times.items()},
        "message": found.message,
    }


def _document(session: Any, study_id: int, number: int | None) -> dict[str, Any]:
    from sqlmodel import col, select

    from db.queries import rounds_of
    from db.tables import ModelVersion, Study, Suggestion

    rounds = rounds_of(session, study_id)
    wanted = [one for one in rounds if number is None or one.number == number]
    if not wanted:
        raise NotFound(
            "the study has no rounds yet"
            if number is None or not rounds
            else f"there is no round {number}; there are 1 to {rounds[-1].number}"
        )
    found = wanted[-1]
    models = session.exec(select(ModelVersion).where(ModelVersion.round_id == found.id).order_by(col(ModelVersion.id)))
    suggestions = session.exec(select(Suggestion).where(Suggestion.round_id == found.id).order_by(col(Suggestion.id)))
    return {
        "study": session.get(Study, study_id).slug,
        **_brief(session, found),
        "config": found.config,
        "models": [model.model_dump(exclude={"study_id", "round_id", "folder", "created_at"}) for model in models],
        "suggestions": [
            {"id": one.id, "rule": one.rule, "title": one.title.get("en", ""), "status": one.status}
            for one in suggestions
        ],
    }


def _print(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit(document)
        return
    print(f"round {document['number']} is {document['status']}, batch of {document['batch_size']}")
    if document["message"]:
        say(f"note: {document['message']}")
    for head, reason in (document["config"].get("left_out") or {}).items():
        say(f"note: no {head} model: {reason}")
    for model in document["models"]:
        serving = " (serves)" if model["champion"] else ""
        print(f"  {model['head']}: {model['name']}{serving}: {_figures(model['metrics'])}")
    for reason in dict.fromkeys(f"{m['head']}: {m['reason']}" for m in document["models"] if m["reason"]):
        print(f"  why, {reason}")
    for suggestion in document["suggestions"]:
        print(f"  suggestion {suggestion['id']} ({suggestion['status']}): {suggestion['title']}")


def _figures(metrics: dict[str, Any]) -> str:
    """The figures that decide, with their intervals; all of them are in ``--json`` and in the report."""
    found = []
    for name in HEADLINES:
        figure = metrics.get(name) or {}
        if figure.get("value") is not None:
            low, high = figure.get("ci_low"), figure.get("ci_high")
            interval = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
            found.append(f"{name} {figure['value']:.3f}{interval}")
    return ", ".join(found) or "no figures yet"
