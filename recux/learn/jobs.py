"""Job folders: how a caller hands work to the training process, and how it reads what came of it. No torch here.

A folder holds ``job.json``, ``examples.jsonl`` and ``people.json`` (written by the caller, once), ``progress.json``
(rewritten about every second), ``models/`` and, at the end, ``result.json`` or ``error.json``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recux.learn.champion import Choice
from recux.learn.errors import JobUnreadable
from recux.learn.examples import (
    BehaviourExample,
    Examples,
    Pair,
    RatingExample,
    RequestExample,
    SatisfactionExample,
)
from recux.learn.files import read_json, write_atomically, write_json
from recux.learn.metrics import Measure
from recux.learn.recipe import Recipe

KINDS = {
    "satisfaction": SatisfactionExample,
    "rating": RatingExample,
    "behaviour": BehaviourExample,
    "request": RequestExample,
}


@dataclass(frozen=True, slots=True)
class Job:
    """What to do."""

    examples: Examples
    recipe: Recipe
    requests: tuple[RequestExample, ...] = ()
    start_from: Path | None = None
    """Folder of the encoder to go on from; None starts from the recipe's base model."""
    incumbents: dict[str, Path] = field(default_factory=dict)
    """Folder of the serving model by kind: satisfaction, rating, behaviour, response_time."""
    cohorts: dict[str, str] = field(default_factory=dict)
    """Cohort by participant, of those who have one."""
    first_rounds: dict[str, int] = field(default_factory=dict)
    """The first round that learned from a participant, where it is not that of the oldest example: who changes a rating
    leaves only the new one among the examples."""


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model of one kind, tested on held-out participants."""

    name: str
    """``encoder``, ``incumbent``, or a baseline's name."""
    baseline: bool
    folder: Path
    base_model: str
    metrics: dict[str, Measure]
    n_train: int
    n_test: int
    device: str
    seconds: float
    by_round: dict[int, Measure] = field(default_factory=dict)
    cold_start: dict[str, dict[str, Measure]] = field(default_factory=dict)
    audit: dict[str, Measure] = field(default_factory=dict)
    """Measures on the audit participants; only for a newly promoted model."""
    ahead: dict[str, Measure] = field(default_factory=dict)
    """Of the incumbent, measures as it served on people who came after it had learned (see ``ahead``)."""


@dataclass(frozen=True, slots=True)
class KindResult:
    """All models of one kind, and which of them serves."""

    models: list[ModelResult]
    choice: Choice


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a job came to."""

    kinds: dict[str, KindResult]
    """By satisfaction, rating, behaviour, response_time; only those with a model."""
    left_out: dict[str, str]
    """Heads that could not be trained, each with the reason and what to do; also a warm start that was not possible."""
    recipe: Recipe
    """As resolved by training."""
    training: dict[str, Any]
    """``TrainResult.to_dict()``; empty when no encoder was trained."""
    unknown_token_share: float | None
    out_of_domain: str | None
    """What to say of texts that the encoder does not know, all of them or those in one script."""
    seconds: float


def write_job(
    folder: Path,
    examples: Examples,
    recipe: Recipe,
    *,
    requests: Iterable[RequestExample] = (),
    start_from: Path | None = None,
    incumbents: Mapping[str, Path] | None = None,
    cohorts: Mapping[str, str] | None = None,
    first_rounds: Mapping[str, int] | None = None,
) -> None:
    """Write a job; ``job.json`` comes last, so that a folder with it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        "satisfaction": examples.satisfaction,
        "rating": examples.rating,
        "behaviour": examples.behaviour,
        "request": tuple(requests),
    }

    def lines(file: Path) -> None:
        with file.open("w", encoding="utf-8") as stream:
            for kind, rows in parts.items():
                for row in rows:
                    stream.write(json.dumps({"kind": kind, **asdict(row)}, ensure_ascii=False) + "\n")  # type: ignore[call-overload]

    write_atomically(folder / "examples.jsonl", lines)
    write_json(folder / "people.json", {"cohorts": dict(cohorts or {}), "first_rounds": dict(first_rounds or {})})
    job = {
        "recipe": recipe.to_dict(),
        "start_from": str(start_from) if start_from else None,
        "incumbents": {kind: str(path) for kind, path in (incumbents or {}).items()},
    }
    write_json(folder / "job.json", job)


def read_job(folder: Path) -> Job:
    """The job in ``folder``; raises ``JobUnreadable``."""
    try:
        job = read_json(folder / "job.json")
        people = read_json(folder / "people.json")
        rows = read_examples(folder / "examples.jsonl")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise JobUnreadable(f"the job in {folder} cannot be read ({problem}); write it again") from problem
    return Job(
        Examples(tuple(rows["satisfaction"]), tuple(rows["rating"]), tuple(rows["behaviour"])),
        Recipe.from_dict(job["recipe"]),
        tuple(rows["request"]),
        Path(job["start_from"]) if job["start_from"] else None,
        {kind: Path(path) for kind, path in job["incumbents"].items()},
        people["cohorts"],
        people["first_rounds"],
    )


def read_examples(file: Path) -> dict[str, list[Any]]:
    """The examples by kind."""
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    with file.open(encoding="utf-8") as stream:
        for line in stream:
            values = json.loads(line)
            kind = values.pop("kind")
            if "pair" in values:
                values["pair"] = Pair(**{**values["pair"], "earlier": tuple(values["pair"]["earlier"])})
            found[kind].append(KINDS[kind](**values))
    return found


def write_result(folder: Path, result: RunResult) -> None:
    """Write ``result.json``."""
    values = asdict(result)
    values["recipe"] = result.recipe.to_dict()
    for kind in values["kinds"].values():
        for model in kind["models"]:
            model["folder"] = str(model["folder"])
    write_json(folder / "result.json", values)


def read_result(folder: Path) -> RunResult:
    """What the job in ``folder`` came to; raises ``JobUnreadable`` when it has not ended well."""
    try:
        values = read_json(folder / "result.json")
    except (OSError, ValueError) as problem:
        raise JobUnreadable(f"{folder} holds no result ({problem}); run the job again") from problem
    kinds = {
        kind: KindResult([model_result(m) for m in found["models"]], Choice(**found["choice"]))
        for kind, found in values["kinds"].items()
    }
    return RunResult(**{**values, "kinds": kinds, "recipe": Recipe.from_dict(values["recipe"])})


def model_result(values: dict[str, Any]) -> ModelResult:
    """From JSON."""
    return ModelResult(
        **{
            **values,
            "folder": Path(values["folder"]),
            "metrics": measures(values["metrics"]),
            "audit": measures(values["audit"]),
            "ahead": measures(values.get("ahead", {})),
            "by_round": {int(n): Measure(**m) for n, m in values["by_round"].items()},
            "cold_start": {name: measures(m) for name, m in values["cold_start"].items()},
        }
    )


def measures(values: dict[str, Any]) -> dict[str, Measure]:
    """From JSON."""
    return {name: Measure(**m) for name, m in values.items()}
