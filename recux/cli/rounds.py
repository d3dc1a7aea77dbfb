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
SHOWN = ("number", "status", "stage", "batch_size", "answers", "started_at", "finished_at")


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
    from recux.access.audit import COMMAND_LINE
    from recux.collect.studies import get_study
    from recux.rounds.queue import close_and_enqueue

    settings = Settings()
    with read_session(database(settings)) as session:
        study_id = get_study(session, study).id
    assert study_id is not None
    queued = close_and_enqueue(settings, study_id, actor=COMMAND_LINE)
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
        typer.Option(
            "--base-model", metavar="M", help="A folder or a hub id; default: the last one, else the embedded."
        ),
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


@round_.command(epilog="Example: recux round search --study spring --trials 20 -o recipe.json")
def search(
    study: StudyOption,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the best settings go.")],
    trials: Annotated[int, typer.Option("--trials", metavar="N", min=1, help="Models to train.")] = 20,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Makes the search repeatable.")] = 0,
) -> None:
    """Look for better settings of training on what the last round learned from; `round run --recipe` uses them.

    Needs the extra `search`. Held-out people take no part, so that the next round's figures stay honest.
    """
    from tempfile import TemporaryDirectory

    from db.engine import read_session
    from db.queries import rounds_of
    from recux.collect.studies import get_study
    from recux.learn import search as searching
    from recux.learn.files import write_json
    from recux.learn.jobs import read_job
    from recux.rounds.job import prepare_job

    settings = Settings()
    searching.installed()
    with TemporaryDirectory(prefix="recux-search-") as folder:
        with read_session(database(settings)) as session:
            rounds = rounds_of(session, get_study(session, study).id or 0)
            if not rounds:
                raise NotFound("the study has no rounds yet: a search looks at what the last round learned from")
            prepare_job(session, rounds[-1], Path(folder) / "job", settings.home.resolve())
        job = read_job(Path(folder) / "job")
        print("trial    loss  settings")
        best, loss = searching.search(
            job.examples, job.recipe, folder=Path(folder) / "trials", trials=trials, seed=seed, tell=_trial
        )
    write_json(output, best.to_dict())
    print(f"best loss {loss:.4f}; settings written to {output}")


def _trial(number: int, loss: float, recipe: Any) -> None:
    print(
        f"{number:5} {loss:7.4f}  lr {recipe.lr:.1e}, head_lr {recipe.head_lr:.1e}, decay {recipe.layer_decay:.2f},"
        f" epochs {recipe.epochs}, rows {recipe.minibatch_rows}, frozen {recipe.freeze_layers},"
        f" dropout {recipe.dropout:.2f}, smoothing {recipe.label_smoothing:.2f}",
        flush=True,
    )


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
        "batch_size": collected.ratings,
        "answers": collected.answers,
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
    collected = f"{document['batch_size']} ratings and {document['answers']} answers"
    print(f"round {document['number']} is {document['status']}, batch of {collected}")
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
