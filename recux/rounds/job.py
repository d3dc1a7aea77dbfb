"""The training job of a round: written from rows, and its result turned into rows."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import champion_of, counts
from db.tables import Answer, Batch, BatchRow, ModelVersion, Participant, Rating, Response, Round, Study
from recux.learn.champion import Choice
from recux.learn.examples import Examples
from recux.learn.files import read_json
from recux.learn.jobs import ModelResult, RunResult, read_result, write_job
from recux.learn.metrics import Measure
from recux.learn.recipe import Recipe, default_recipe
from recux.rounds.examples import examples_of, request_examples
from recux.rounds.warm_start import base_model_of, start_from

KINDS = ("satisfaction", "rating", "behaviour", "response_time")


def prepare_job(session: Session, round_: Round, folder: Path, home: Path) -> None:
    """Write the round's job: everything in its batches, the recipe, and whom the new models must beat."""
    study = session.get_one(Study, round_.study_id)
    examples = examples_of(session, study, round_.number)
    serving = incumbents(session, round_, folder, home)
    write_job(
        folder,
        examples,
        recipe_of(round_.config, texts_to_learn(examples), base_model_of(session, round_, serving)),
        requests=request_examples(session, study, round_.number),
        start_from=start_from(session, round_, serving, home),
        incumbents={kind: home / version.folder for kind, version in serving.items() if version},
        cohorts=cohorts_of(session, study),
        first_rounds=first_rounds(session, study),
    )


def cohorts_of(session: Session, study: Study) -> dict[str, str]:
    """Cohort by participant, of those who count and have one."""
    statement = sa.select(col(Participant.external_id), col(Participant.cohort)).where(
        col(Participant.study_id) == study.id, col(Participant.cohort).is_not(None), counts()
    )
    return {person: cohort for person, cohort in session.connection().execute(statement) if cohort}


def first_rounds(session: Session, study: Study) -> dict[str, int]:
    """By participant, the first batch with a rating or answer of theirs, changed ones included."""
    rated: sa.Select[int, int] = sa.select(
        col(Rating.participant_id).label("person"), col(BatchRow.batch_id).label("batch")
    ).join(BatchRow, (col(BatchRow.kind) == "rating") & (col(BatchRow.row_id) == col(Rating.id)))
    told: sa.Select[int, int] = (
        sa.select(col(Response.participant_id), col(BatchRow.batch_id))
        .join(Answer, col(Answer.response_id) == col(Response.id))
        .join(BatchRow, (col(BatchRow.kind) == "answer") & (col(BatchRow.row_id) == col(Answer.id)))
    )
    rows = sa.union_all(rated, told).subquery()
    statement = (
        sa.select(col(Participant.external_id), sa.func.min(col(Batch.number)))
        .join(rows, rows.c.person == col(Participant.id))
        .join(Batch, col(Batch.id) == rows.c.batch)
        .where(col(Batch.study_id) == study.id, counts())
        .group_by(col(Participant.external_id))
    )
    return {row[0]: row[1] for row in session.connection().execute(statement)}


def incumbents(session: Session, round_: Round, folder: Path, home: Path) -> dict[str, ModelVersion | None]:
    """Who served before this round, by kind.

    A round that is run again may have promoted its own models already; whom they had to beat then stands in its job.
    """
    if not (folder / "job.json").is_file():
        return {kind: champion_of(session, round_.study_id, kind) for kind in KINDS}
    stored = read_json(folder / "job.json")["incumbents"]
    return {kind: _version_in(session, round_, kind, stored.get(kind), home) for kind in KINDS}


def _version_in(session: Session, round_: Round, kind: str, place: str | None, home: Path) -> ModelVersion | None:
    if place is None:
        return None
    here = (ModelVersion.study_id == round_.study_id, ModelVersion.head == kind, ModelVersion.round_id != round_.id)
    relative = str(Path(place).relative_to(home))
    return session.exec(select(ModelVersion).where(*here, ModelVersion.folder == relative)).first()


def texts_to_learn(examples: Examples) -> int:
    """What the size of a recipe goes by: training comments or ratings, whichever are more; else impressions.

    They are not added up: a rating, its comment and its impression are one person's one opinion.
    """
    part = examples.taught()
    return max(len(part.satisfaction), len(part.rating)) or len(part.behaviour)


def recipe_of(config: dict[str, Any], texts: int, base_model: str | None = None) -> Recipe:
    """The recipe for so many training texts, with what the round was asked for: its own words before a file's, and
    these before the study's ``base_model`` so far. Raises ``InvalidInput`` for a device that is not here.
    """
    from recux.learn.device import resolve_device

    asked = {"base_model": base_model} if base_model else {}
    asked |= {name: value for name, value in config.get("settings", {}).items() if name != "device"}
    asked |= {name: config[name] for name in ("base_model", "seed") if config.get(name) is not None}
    device = resolve_device(config.get("device") or "auto")
    return default_recipe(texts, device.type, **asked).but(device=str(device))


def record_models(session: Session, round_: Round, folder: Path, home: Path) -> None:
    """Store the round's models with their figures, replacing what it stored before, and set the champions."""
    result = read_result(folder)
    serving = incumbents(session, round_, folder, home)
    for version in session.exec(select(ModelVersion).where(ModelVersion.round_id == round_.id)):
        session.delete(version)
    session.flush()
    for kind, found in result.kinds.items():
        made = [model for model in found.models if model.name != "incumbent"]
        versions = {model.name: _version(round_, kind, model, result, home) for model in made}
        if before := next((model for model in found.models if model.name == "incumbent"), None):
            known = of_incumbent(before, serving[kind])
            for version in versions.values():
                version.metrics |= known
        _record_kind(session, found.choice, versions, serving[kind])
    shown = {"left_out": result.left_out, "out_of_domain": result.out_of_domain, "recipe": result.recipe.to_dict()}
    round_.config = {**round_.config, **shown, "unknown_token_share": result.unknown_token_share}
    round_.message = result.out_of_domain
    session.add(round_)


def of_incumbent(tested: ModelResult, version: ModelVersion | None) -> dict[str, Any]:
    """What a round found out about the model that served before it.

    ``incumbent_by_round``: its log-loss on the same rows; what a new model lost against it on old rounds is forgotten.
    ``incumbent_ahead``: its measures on people who came after it had learned; ``incumbent_then``: the same measures as
    they stood when it was chosen.
    """
    then = version.metrics if version else {}
    return {
        "incumbent_by_round": {str(number): figure(one) for number, one in tested.by_round.items()},
        "incumbent_ahead": {name: figure(one) for name, one in tested.ahead.items()},
        "incumbent_then": {name: then[name] for name in tested.ahead if name in then},
    }


def _record_kind(
    session: Session, choice: Choice, versions: dict[str, ModelVersion], incumbent: ModelVersion | None
) -> None:
    """Add the models of one kind and let the chosen one serve; the incumbent, when it was not beaten."""
    champion = versions.get(choice.champion or "", incumbent)
    for name, version in versions.items():
        version.reason = choice.reason if name in (choice.champion, "encoder") else None
    session.add_all(versions.values())
    if incumbent is not None:
        incumbent.champion = False
        session.add(incumbent)
    session.flush()  # before the new one: the database allows a single champion
    if champion is not None:
        champion.champion = True
        session.add(champion)
        session.flush()


def _version(round_: Round, kind: str, model: ModelResult, result: RunResult, home: Path) -> ModelVersion:
    metrics: dict[str, Any] = {name: figure(measure) for name, measure in model.metrics.items()}
    metrics["by_round"] = {str(number): figure(measure) for number, measure in model.by_round.items()}
    metrics["cold_start"] = {
        known: {name: figure(measure) for name, measure in part.items()} for known, part in model.cold_start.items()
    }
    metrics["audit"] = {name: figure(measure) for name, measure in model.audit.items()}
    metrics["unknown_token_share"] = result.unknown_token_share
    assert round_.id is not None  # it was read from the database
    return ModelVersion(
        study_id=round_.study_id,
        round_id=round_.id,
        head=kind,
        name=model.name,
        baseline=model.baseline,
        base_model=model.base_model,
        folder=str(model.folder.resolve().relative_to(home.resolve())),
        metrics=metrics,
        n_train=model.n_train,
        n_test=model.n_test,
        device=model.device,
        seconds=model.seconds,
    )


def figure(measure: Measure) -> dict[str, Any]:
    """A measure in the shape of the report's figures."""
    if measure.value is None:
        return {"value": None, "reason": measure.reason}
    shown = ("value", "ci_low", "ci_high", "n", "definition", "method")
    return {name: getattr(measure, name) for name in shown}
