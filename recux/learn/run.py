"""The training process: ``python -m recux.learn.run JOB`` works on a job folder to its end.

It may be killed at any moment and started again on the same folder. It exits when its standard input ends, so that it
never outlives the process that started it (``--alone`` switches that off). A launcher may start several that train
together (see ``together``); the first of them does all else. Exit code 0: ``result.json`` is written;
1: ``error.json`` holds a one-line message.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from recux.errors import RecuxError
from recux.learn.baselines import fit_baselines
from recux.learn.card import model_card
from recux.learn.closer import closer_look
from recux.learn.compare import Tested, about, kind_result
from recux.learn.errors import TooFewExamples
from recux.learn.files import write_json
from recux.learn.jobs import Job, KindResult, RunResult, read_job, write_result
from recux.learn.logs import training_logs
from recux.learn.loop import Progress
from recux.learn.predictor import load
from recux.learn.readings import read_comments, serving_folder
from recux.learn.requests import response_time_result
from recux.learn.result import TrainResult
from recux.learn.together import ALONE, Team, join
from recux.learn.training import train

KINDS = ("satisfaction", "rating", "behaviour")
ORPHANED = 3
"""Exit code when the parent is gone."""
Tell = Callable[[Progress], None]
log = logging.getLogger(__name__)


def help_train(folder: Path, team: Team) -> None:
    """Take part in the training of the job in ``folder`` without writing anything: for all but the leading process."""
    job = read_job(folder)
    with suppress(TooFewExamples):  # the leading process says so
        train(job.examples, job.recipe, out_dir=encoder_folder(folder), start_from=job.start_from, team=team)


def run_job(
    folder: Path,
    *,
    progress: Tell | None = None,
    team: Team = ALONE,
) -> RunResult:
    """Train, evaluate and choose for the job in ``folder``, and write ``result.json``.

    Raises ``JobUnreadable``, ``TooFewExamples`` when nothing at all can be learned, and what ``training.train`` raises.
    """
    started = time.monotonic()
    job = read_job(folder)
    tell = throttled(folder / "progress.json", progress)
    with training_logs(folder / "logs", job.recipe) as write:
        trained, left_out = encoder(job, folder, both(tell, write), team)
    scorer = load(trained.folder, device=trained.device).scorer if trained else None
    tell(Progress("baselines", 0, 1))
    fitted = fit_baselines(job.examples)
    kinds: dict[str, KindResult] = {}
    tested: dict[str, list[Tested]] = {}
    for number, kind in enumerate(KINDS):
        tell(Progress("evaluate", number, len(KINDS)))
        candidate = (scorer, about(trained, kind)) if scorer and trained else None
        found, tested[kind] = kind_result(kind, job, folder, candidate, fitted[kind])
        if found.models:
            kinds[kind] = found
    if job.requests:
        try:
            kinds["response_time"] = response_time_result(job, folder / "models")
        except TooFewExamples as problem:
            left_out["response_time"] = str(problem)
    tell(Progress("look closer", 0, 1))
    base_model, device = (trained.recipe if trained else job.recipe).base_model, job.recipe.device
    read = read_comments(job, serving_folder(kinds.get("satisfaction")), base_model, device)
    write_json(folder / "comments.json", read)  # comments have themes whether or not a model can learn from them
    if not kinds:
        raise TooFewExamples("nothing can be learned yet: " + "; ".join(f"{h}: {why}" for h, why in left_out.items()))
    result = RunResult(
        kinds,
        left_out,
        trained.recipe if trained else job.recipe,
        trained.to_dict() if trained else {},
        trained.unknown_token_share if trained else None,
        (trained.out_of_domain or trained.unread) if trained else None,
        time.monotonic() - started,
    )
    looks = look_closer(job, tested)
    write_json(folder / "closer.json", looks)
    for kind, found in kinds.items():
        write_card(result, kind, found, looks.get(kind, {}))
    write_result(folder, result)
    tell(Progress("done", 1, 1))
    return result


def encoder(job: Job, folder: Path, tell: Tell, team: Team) -> tuple[TrainResult | None, dict[str, str]]:
    """The fine-tuned encoder, and why heads were left out; no encoder when the examples are too few."""
    tell(Progress("prepare", 0, 1))
    try:
        trained = train(
            job.examples,
            job.recipe,
            out_dir=encoder_folder(folder),
            start_from=job.start_from,
            progress=tell,
            team=team,
        )
    except TooFewExamples as problem:
        return None, {"encoder": str(problem)}
    return trained, dict(trained.left_out)


def look_closer(job: Job, tested: dict[str, list[Tested]]) -> dict[str, dict[str, Any]]:
    """A closer look by kind and name of the model, at every model that this run made."""
    looks: dict[str, dict[str, Any]] = {}
    for kind, models in tested.items():
        for one in models:
            if one.scorer is None or one.found is None or one.model.name == "incumbent":
                continue
            if look := closer_look(one.scorer, one.found, job.cohorts):
                looks.setdefault(kind, {})[one.model.name] = look
    return looks


def encoder_folder(folder: Path) -> Path:
    """Where the job's encoder is trained."""
    return folder / "models" / "encoder"


def write_card(result: RunResult, kind: str, found: KindResult, looks: dict[str, Any]) -> None:
    """Put the model card beside each model of the run that came to serve."""
    for model in found.models:
        if found.choice.promoted and model.name == found.choice.champion:
            name = "README.md" if model.baseline else f"README-{kind}.md"  # one encoder may serve several kinds
            (model.folder / name).write_text(model_card(result, kind, looks.get(model.name)), encoding="utf-8")


def both(first: Tell, second: Tell) -> Tell:
    """Tell two listeners."""

    def tell(progress: Progress) -> None:
        first(progress)
        second(progress)

    return tell


def throttled(file: Path, listener: Tell | None, seconds: float = 1.0) -> Tell:
    """Tell progress to ``listener`` always, and to ``file`` about once a second and at every new stage.

    A full disk does not end a training only because nobody can be told how far it is.
    """
    last: dict[str, Any] = {"at": 0.0, "stage": ""}

    def tell(progress: Progress) -> None:
        if listener:
            listener(progress)
        now = time.monotonic()
        if progress.stage != last["stage"] or now - last["at"] >= seconds or progress.step == progress.of:
            last.update(at=now, stage=progress.stage)
            with suppress(OSError):
                write_json(file, {name: getattr(progress, name) for name in Progress.__slots__})

    return tell


def die_with_parent() -> None:
    """Exit when standard input ends, or when the moment on its last line has passed (see ``recux.rounds.child``)."""
    until = [float("inf")]

    def read() -> None:
        with suppress(OSError, ValueError):
            for line in sys.stdin.buffer:
                until[0] = float(line) if line.strip() else float("inf")
        os._exit(ORPHANED)

    def watch() -> None:
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        while time.clock_gettime(clock) < until[0]:
            time.sleep(0.25)
        os._exit(ORPHANED)

    for work in (read, watch):
        threading.Thread(target=work, daemon=True).start()


def main(arguments: list[str]) -> int:
    """Work on the named job folder (or its ``job.json``)."""
    places = [Path(a) for a in arguments if not a.startswith("-")]
    if len(places) != 1:
        print("usage: python -m recux.learn.run [--alone] JOB", file=sys.stderr)
        return 2
    folder = places[0].parent if places[0].suffix == ".json" else places[0]
    if "--alone" not in arguments:
        die_with_parent()
    (folder / "error.json").unlink(missing_ok=True)
    try:
        if (team := join()).leads:
            run_job(folder, team=team)
        else:
            help_train(folder, team)
    except RecuxError as problem:
        return failed(folder, type(problem).__name__, str(problem))
    except OSError as problem:
        why = f"a file could not be read or written ({problem}); see to the disk of {folder} and run the round again"
        return failed(folder, "OSError", why)
    except Exception as problem:
        log.exception("training failed")
        name, why = type(problem).__name__, str(problem).strip().split("\n")[0]
        return failed(folder, name, f"training failed: {name}: {why}; where it did stands in its log")
    return 0


def failed(folder: Path, error: str, message: str) -> int:
    """Leave the reason for whoever started this process; on a full disk the log has it at least."""
    reason = {"error": error, "message": message}
    print(json.dumps(reason), file=sys.stderr)
    if folder.is_dir():
        with suppress(OSError):
            write_json(folder / "error.json", reason)
    return 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the thread that reads standard input would hold up a normal exit
