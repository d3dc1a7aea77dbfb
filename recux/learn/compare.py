"""Candidate, baseline and incumbent of one kind on the same rows, and which of them serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recux.learn.ahead import ahead
from recux.learn.baselines import BaseRate
from recux.learn.calibration import Calibration, Halves
from recux.learn.champion import Choice, Contender, choose_champion
from recux.learn.errors import ModelUnreadable
from recux.learn.evaluation import PRIMARY, Evaluation, evaluate
from recux.learn.examples import MODEL_OF_HEAD
from recux.learn.files import write_json
from recux.learn.jobs import Job, KindResult, ModelResult
from recux.learn.predictor import Scorer, load, read_calibration, read_crossed
from recux.learn.result import TrainResult
from recux.learn.saved import save_baseline
from recux.learn.tfidf import MOST_PAIRS, TfidfLogistic

Rates = Mapping[str, float]


def kind_result(
    kind: str, job: Job, folder: Path, candidate: "tuple[Scorer, About] | None", baselines: Sequence[Any]
) -> "tuple[KindResult, list[Tested]]":
    """Test the candidate, the baselines and the incumbent on the same rows and heads, and choose.

    A model without a primary head of this kind is none of them: it could not answer what the kind is asked.
    """
    rates = next((one.rates for one in baselines if isinstance(one, BaseRate)), {})
    found: list[Tested] = []
    if candidate:
        found += measured(*candidate, kind, job, rates)
    for one in baselines:
        if answers(one, kind):
            found += measured(one, saved(one, kind, job, folder), kind, job, rates)
    found += incumbent(kind, job, rates)
    by_name = {t.contender.name: t.contender for t in found}
    simple = [t.contender for t in found if t.model.baseline and t.model.name != "incumbent"]
    choice = choose_champion(by_name.get("encoder"), by_name.get("incumbent"), simple)
    return KindResult([audited(t, choice, kind, job) for t in found], choice), found


def saved(baseline: Any, kind: str, job: Job, folder: Path) -> "About":
    """What is to be said of a baseline, which is saved."""
    place = folder / "models" / kind / baseline.name
    n_train = len(getattr(job.examples.taught(), kind))
    if kind != "satisfaction" and isinstance(baseline, TfidfLogistic):
        n_train = min(n_train, MOST_PAIRS)
    save_baseline(baseline, place, n_train=n_train, last_round=job.examples.last_round)
    return About(baseline.name, True, place, baseline.name, n_train)


def answers(scorer: Scorer, kind: str) -> bool:
    """Whether the model predicts what decides about ``kind``, not only an auxiliary."""
    return not set(PRIMARY[kind]).isdisjoint(scorer.heads)


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of a model beside its measures."""

    name: str
    baseline: bool
    folder: Path
    base_model: str
    n_train: int
    """Labelled rows that taught this kind."""
    device: str = "cpu"
    seconds: float = 0.0
    unfit: str | None = None
    known: Halves | None = None
    """Of the incumbent, the calibration of then: it goes on serving with it, so it is judged by it."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A model that was tested, as the report and as the champion rule see it."""

    model: ModelResult
    contender: Contender
    scorer: Scorer | None = None
    """None for a damaged incumbent."""
    found: Evaluation | None = None
    """None for a damaged incumbent."""


def about(trained: TrainResult, kind: str) -> About:
    """The candidate's own, as a model of ``kind``."""
    return About(
        "encoder",
        False,
        trained.folder,
        trained.recipe.base_model,
        rows_for(kind, trained.heads),
        trained.device,
        trained.seconds,
        trained.out_of_domain,
    )


def rows_for(kind: str, heads: Mapping[str, int]) -> int:
    """How many labelled rows taught ``kind``, from those of each head."""
    return max((n for head, n in heads.items() if MODEL_OF_HEAD[head] == kind), default=0)


def incumbent(kind: str, job: Job, rates: Rates) -> list[Tested]:
    """The serving model of ``kind``, tested on today's rows; a damaged one cannot defend its place.

    It is measured as the others are, each half of the people with the calibration that the other half taught, but with
    that of then: those who came since have taught it nothing.
    """
    place = job.incumbents.get(kind)
    if place is None:
        return []
    try:
        old = load(place, device=job.recipe.device)
        known = read_crossed(place) or (old.calibration, old.calibration)
    except ModelUnreadable as problem:
        lost = ModelResult("incumbent", False, place, "", {}, 0, 0, "", 0.0)
        return [Tested(lost, Contender("incumbent", None, unfit=str(problem)))]
    base_model = old.about.get("base_model", old.about["name"])
    about = About(
        "incumbent",
        old.about["kind"] != "encoder",
        place,
        base_model,
        rows_for(kind, old.about.get("rows_by_head", {})) or int(old.about.get("n_train", 0)),
        unfit=old.about.get("out_of_domain"),
        known=known,
    )
    found = measured(old.scorer, about, kind, job, {**rates, **old.calibration.rate})
    return [replace(t, model=replace(t.model, ahead=ahead(old, job, kind))) for t in found]


def measured(scorer: Scorer, about: About, kind: str, job: Job, rates: Rates) -> list[Tested]:
    """The model's measures, with its calibration saved beside it; nothing when it cannot answer for this kind."""
    if not answers(scorer, kind):
        return []
    found = evaluate(scorer, job.examples, kind, known=about.known, rates=rates)
    if about.known is None:
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
    contender = Contender(about.name, loss, qwk.value if qwk else None, unfit=about.unfit)
    return [Tested(model, contender, scorer, found)]


def save_calibration(folder: Path, found: Evaluation) -> None:
    """Add what calibrates this kind to the model's ``calibration.json``, and what it was measured with."""
    old = read_crossed(folder) or (Calibration(), Calibration())
    halves = [one.joined(more).to_dict() for one, more in zip(old, found.known, strict=True)]
    write_json(folder / "crossed.json", halves)
    write_json(folder / "calibration.json", read_calibration(folder).joined(found.calibration).to_dict())


def audited(tested: Tested, choice: Choice, kind: str, job: Job) -> ModelResult:
    """The newly promoted model with its measures on the audit participants, as it will serve; any other as it is."""
    scorer, found = tested.scorer, tested.found
    if scorer is None or found is None or not choice.promoted or choice.champion != tested.model.name:
        return tested.model
    serves = found.calibration
    audit = evaluate(scorer, job.examples, kind, split="audit", known=(serves, serves), rates=serves.rate)
    return replace(tested.model, audit=audit.metrics)
