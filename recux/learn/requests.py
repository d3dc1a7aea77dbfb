"""The response-time part of a job: fit, test against the overall quantiles, choose."""

import time
from pathlib import Path

from recux.learn.champion import Contender, choose_champion
from recux.learn.errors import ModelUnreadable
from recux.learn.jobs import Job, KindResult, ModelResult
from recux.learn.response_time import (
    OverallQuantiles,
    ResponseTime,
    evaluate_response_time,
    fit_overall,
    fit_response_time,
    load_response_time,
    save_response_time,
)

Model = ResponseTime | OverallQuantiles


def response_time_result(job: Job, folder: Path) -> KindResult:
    """Raises ``TooFewExamples`` when there are too few requests. The pinball loss stands where others have log-loss."""
    started = time.monotonic()
    fitted: list[tuple[str, bool, Model]] = [("gradient_boosting", False, fit_response_time(job.requests))]
    seconds = time.monotonic() - started
    fitted.append(("overall_quantiles", True, fit_overall(job.requests)))
    n_train = sum(r.split == "train" for r in job.requests)
    models = []
    for name, baseline, model in fitted:
        place = folder / "response_time" / name
        save_response_time(model, place, n_train=n_train)
        models.append(measured(name, model, place, job, n_train=n_train, seconds=0.0 if baseline else seconds))
    models += incumbent(job)
    contenders = {c.name: c for _, c in models}
    choice = choose_champion(
        contenders["gradient_boosting"], contenders.get("incumbent"), [contenders["overall_quantiles"]]
    )
    return KindResult([m for m, _ in models], choice)


def incumbent(job: Job) -> list[tuple[ModelResult, Contender]]:
    """The serving model on today's requests."""
    place = job.incumbents.get("response_time")
    if place is None:
        return []
    try:
        old = load_response_time(place)
    except ModelUnreadable as problem:
        lost = ModelResult("incumbent", False, place, "", {}, 0, 0, "", 0.0)
        return [(lost, Contender("incumbent", None, unfit=str(problem)))]
    return [measured("incumbent", old, place, job)]


def measured(
    name: str, model: Model, place: Path, job: Job, *, n_train: int = 0, seconds: float = 0.0
) -> tuple[ModelResult, Contender]:
    """The model's measures on held-out requests."""
    baseline = isinstance(model, OverallQuantiles)
    metrics = evaluate_response_time(model, job.requests)
    n_test = sum(r.split == "heldout" for r in job.requests)
    found = ModelResult(name, baseline, place, model.name, metrics, n_train, n_test, "cpu", seconds)
    return found, Contender(name, metrics["pinball"].value, loss_name="pinball loss")
