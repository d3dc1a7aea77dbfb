"""The training process: ``python -m recux.learn.run JOB`` works on a job folder to its end.

It may be killed at any moment and started again on the same folder. It exits when its standard input ends, so that it
never outlives the process that started it (``--alone`` switches that off). Exit code 0: ``result.json`` is written;
1: ``error.json`` holds a one-line message.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recux.errors import RecuxError
from recux.learn.baselines import fit_baselines
from recux.learn.card import model_card
from recux.learn.champion import Choice, Contender, choose_champion
from recux.learn.errors import ModelUnreadable, TooFewExamples
from recux.learn.evaluation import Evaluation, evaluate
from recux.learn.examples import MODEL_OF_HEAD
from recux.learn.files import write_json
from recux.learn.jobs import Job, KindResult, ModelResult, RunResult, read_job, write_result
from recux.learn.logs import tensorboard
from recux.learn.loop import Progress
from recux.learn.predictor import Scorer, load, read_calibration
from recux.learn.requests import response_time_result
from recux.learn.result import TrainResult
from recux.learn.saved import save_baseline
from recux.learn.training import train

KINDS = ("satisfaction", "rating", "behaviour")
ORPHANED = 3
"""Exit code when the parent is gone."""
Tell = Callable[[Progress], None]


def run_job(folder: Path, *, progress: Tell | None = None, should_stop: Callable[[], bool] | None = None) -> RunResult:
    """Train, evaluate and choose for the job in ``folder``, and write ``result.json``.

    Raises ``JobUnreadable``, ``TooFewExamples`` when nothing at all can be learned, and what ``training.train`` raises.
    """
    started = time.monotonic()
    job = read_job(folder)
    tell = throttled(folder / "progress.json", progress)
    with tensorboard(folder / "logs") as log:
        trained, left_out = encoder(job, folder, both(tell, log), should_stop)
    scorer = load(trained.folder, device=trained.device).scorer if trained else None
    tell(Progress("baselines", 0, 1))
    fitted = fit_baselines(job.examples)
    kinds = {}
    for number, kind in enumerate(KINDS):
        tell(Progress("evaluate", number, len(KINDS)))
        candidate = (scorer, about(trained)) if scorer and trained else None
        found = kind_result(kind, job, folder, candidate, fitted.get(kind))
        if found.models:
            kinds[kind] = found
    if job.requests:
        try:
            kinds["response_time"] = response_time_result(job, folder / "models")
        except TooFewExamples as problem:
            left_out["response_time"] = str(problem)
    if not kinds:
        raise TooFewExamples("nothing can be learned yet: " + "; ".join(f"{h}: {why}" for h, why in left_out.items()))
    result = RunResult(
        kinds,
        left_out,
        trained.recipe if trained else job.recipe,
        trained.to_dict() if trained else {},
        trained.unknown_token_share if trained else None,
        trained.out_of_domain if trained else None,
        time.monotonic() - started,
    )
    for kind, found in kinds.items():
        write_card(result, kind, found)
    write_result(folder, result)
    tell(Progress("done", 1, 1))
    return result


def encoder(
    job: Job, folder: Path, tell: Tell, should_stop: Callable[[], bool] | None
) -> tuple[TrainResult | None, dict[str, str]]:
    """The fine-tuned encoder, and why heads were left out; no encoder when the examples are too few."""
    out = folder / "models" / "encoder"
    tell(Progress("prepare", 0, 1))
    try:
        trained = train(
            job.examples, job.recipe, out_dir=out, start_from=job.start_from, progress=tell, should_stop=should_stop
        )
    except TooFewExamples as problem:
        return None, {"encoder": str(problem)}
    return trained, dict(trained.left_out)


def kind_result(
    kind: str, job: Job, folder: Path, candidate: "tuple[Scorer, About] | None", baseline: Any
) -> KindResult:
    """Test the candidate, the baseline and the incumbent on the same rows, and choose."""
    found: list[Tested] = []
    if candidate:
        found += measured(*candidate, kind, job)
    if baseline is not None:
        place = folder / "models" / kind / baseline.name
        n_train = len(getattr(job.examples.of("train"), kind))
        save_baseline(baseline, place, n_train=n_train)
        found += measured(baseline, About(baseline.name, True, place, baseline.name, n_train), kind, job)
    found += incumbent(kind, job)
    by_name = {t.contender.name: t.contender for t in found}
    simple = [t.contender for t in found if t.model.baseline and t.model.name != "incumbent"]
    choice = choose_champion(by_name.get("encoder"), by_name.get("incumbent"), simple)
    return KindResult([audited(t, choice, kind, job) for t in found], choice)


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of a model beside its measures."""

    name: str
    baseline: bool
    folder: Path
    base_model: str
    n_train: int
    device: str = "cpu"
    seconds: float = 0.0
    unfit: str | None = None
    serving: bool = False
    """True for the incumbent, whose calibration is left as it is."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A model that was tested, as the report and as the champion rule see it."""

    model: ModelResult
    contender: Contender
    scorer: Scorer | None = None
    """None for a damaged incumbent."""


def about(trained: TrainResult) -> About:
    """The candidate's own."""
    return About(
        "encoder",
        False,
        trained.folder,
        trained.recipe.base_model,
        trained.n_train,
        trained.device,
        trained.seconds,
        trained.out_of_domain,
    )


def incumbent(kind: str, job: Job) -> list[Tested]:
    """The serving model of ``kind``, tested on today's rows; a damaged one cannot defend its place."""
    place = job.incumbents.get(kind)
    if place is None:
        return []
    try:
        old = load(place, device=job.recipe.device)
    except ModelUnreadable as problem:
        lost = ModelResult("incumbent", False, place, "", {}, 0, 0, "", 0.0)
        return [Tested(lost, Contender("incumbent", None, unfit=str(problem)))]
    base_model = old.about.get("base_model", old.about["name"])
    known = About(
        "incumbent",
        old.about["kind"] != "encoder",
        place,
        base_model,
        int(old.about.get("n_train", 0)),
        unfit=old.about.get("out_of_domain"),
        serving=True,
    )
    return measured(old.scorer, known, kind, job)


def measured(scorer: Scorer, about: About, kind: str, job: Job) -> list[Tested]:
    """The model's measures, with its calibration saved beside it; nothing when it has no head of this kind."""
    if not any(MODEL_OF_HEAD[h] == kind for h in scorer.heads):
        return []
    found = evaluate(scorer, job.examples, kind)
    if not about.serving:
        save_calibration(about.folder, found)
    model = ModelResult(
        about.name,
        about.baseline,
        about.folder,
        about.base_model,
        found.metrics,
        about.n_train,
        found.n_test,
        about.device,
        about.seconds,
        found.by_round,
        found.cold_start,
    )
    qwk = found.metrics.get("qwk")
    loss = found.metrics["log_loss"].value
    return [Tested(model, Contender(about.name, loss, qwk.value if qwk else None, unfit=about.unfit), scorer)]


def save_calibration(folder: Path, found: Evaluation) -> None:
    """Add this kind's temperatures and quantiles to the model's ``calibration.json``."""
    old, new = read_calibration(folder), found.calibration
    merged = {k: getattr(old, k) | getattr(new, k) for k in ("temperature", "quantile", "rows")}
    write_json(folder / "calibration.json", merged)


def audited(tested: Tested, choice: Choice, kind: str, job: Job) -> ModelResult:
    """The newly promoted model with its measures on the audit participants; any other as it is."""
    if tested.scorer is None or not choice.promoted or choice.champion != tested.model.name:
        return tested.model
    return replace(tested.model, audit=evaluate(tested.scorer, job.examples, kind, split="audit").metrics)


def write_card(result: RunResult, kind: str, found: KindResult) -> None:
    """Put the model card beside each model of the run that came to serve."""
    for model in found.models:
        if found.choice.promoted and model.name == found.choice.champion:
            name = "README.md" if model.baseline else f"README-{kind}.md"  # one encoder may serve several kinds
            (model.folder / name).write_text(model_card(result, kind), encoding="utf-8")


def both(first: Tell, second: Tell) -> Tell:
    """Tell two listeners."""

    def tell(progress: Progress) -> None:
        first(progress)
        second(progress)

    return tell


def throttled(file: Path, listener: Tell | None, seconds: float = 1.0) -> Tell:
    """Tell progress to ``listener`` always, and to ``file`` about once a second and at every new stage."""
    last: dict[str, Any] = {"at": 0.0, "stage": ""}

    def tell(progress: Progress) -> None:
        if listener:
            listener(progress)
        now = time.monotonic()
        if progress.stage != last["stage"] or now - last["at"] >= seconds or progress.step == progress.of:
            last.update(at=now, stage=progress.stage)
            write_json(file, {name: getattr(progress, name) for name in Progress.__slots__})

    return tell


def die_with_parent() -> None:
    """Exit when standard input ends."""

    def wait() -> None:
        with suppress(OSError, ValueError):
            while sys.stdin.buffer.read(4096):
                pass
        os._exit(ORPHANED)

    threading.Thread(target=wait, daemon=True).start()


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
        run_job(folder)
    except RecuxError as problem:
        print(json.dumps({"error": type(problem).__name__, "message": str(problem)}), file=sys.stderr)
        if folder.is_dir():
            write_json(folder / "error.json", {"error": type(problem).__name__, "message": str(problem)})
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the thread that reads standard input would hold up a normal exit
