"""What rounds left behind: figures over time, models, suggestions."""

from typing import Any

from sqlmodel import Session, col, select

from db.tables import Batch, Decision, Figure, ModelVersion, Round, Study, Suggestion
from recux.evaluation.figure import FigureValue, missing
from recux.evaluation.store import BATCH

Json = dict[str, Any]

TREND = ("nps", "csat", "mean_rating")


def trend_of(session: Session, study: Study) -> list[Json]:
    """NPS, CSAT and mean rating of each round's batch alone, oldest first."""
    statement = (
        select(Figure, Round, Batch)
        .join(Round, col(Round.id) == col(Figure.round_id))
        .join(Batch, col(Batch.id) == col(Round.batch_id))
        .where(col(Round.study_id) == study.id, col(Figure.section) == "satisfaction")
        .where(col(Figure.arm) == "", col(Figure.cut) == BATCH, col(Figure.metric).in_(TREND))
        .order_by(col(Round.number))
    )
    found: dict[int, Json] = {}
    for figure, round_, batch in session.exec(statement):
        began = (batch.period_start or batch.closed_at).isoformat(timespec="seconds")
        point = found.setdefault(round_.number, {"round": round_.number, "period_start": began})
        point[figure.metric] = stored(figure).to_json()
    return [{**dict.fromkeys(TREND, missing("not computed").to_json()), **point} for point in found.values()]


def before_after_of(session: Session, study: Study) -> list[Json]:
    """Every round's changes against the round before it, the newest round first."""
    statement = (
        select(Figure, Round)
        .join(Round, col(Round.id) == col(Figure.round_id))
        .where(col(Round.study_id) == study.id, col(Figure.section) == "before_after")
        .order_by(col(Round.number).desc(), col(Figure.id))
    )
    return [
        {"round": round_.number, "metric": row.metric, "arm": row.arm}
        | {"difference": stored(row).to_json(), **row.details}
        for row, round_ in session.exec(statement)
    ]


def stored(row: Figure) -> FigureValue:
    """A stored figure as it was computed."""
    return FigureValue(row.value, row.ci_low, row.ci_high, row.n, row.definition, row.method, row.reason)


def models_of(session: Session, study: Study) -> Json:
    """By head, the encoder of the last round that trained it beside the best baseline of that round."""
    newest = select(ModelVersion).join(Round, col(Round.id) == ModelVersion.round_id)
    rows = session.exec(newest.where(ModelVersion.study_id == study.id).order_by(col(Round.number).desc())).all()
    found: Json = {}
    for head in dict.fromkeys(row.head for row in rows):
        of_head = [row for row in rows if row.head == head]
        of_round = [row for row in of_head if row.round_id == of_head[0].round_id]
        found[head] = _model(of_round)
    return found


def _model(versions: list[ModelVersion]) -> Json:
    baselines = sorted((one for one in versions if one.baseline), key=_loss)
    model = next((one for one in versions if not one.baseline), versions[0])
    return {
        **_measures(model),
        "name": model.name,
        "baseline": {**_measures(baselines[0]), "name": baselines[0].name} if baselines else None,
        "champion": model.champion,
        "champion_name": next((one.name for one in versions if one.champion), None),
        "base_model": model.base_model,
        "n_train": model.n_train,
        "n_test": model.n_test,
        "device": model.device,
        "seconds": model.seconds,
        "reason": model.reason,
        "cold_start": model.metrics.get("cold_start", {}),
        "forgetting": {
            "this": model.metrics.get("by_round", {}),
            "before": model.metrics.get("incumbent_by_round", {}),
        },
        "ahead": {
            "then": model.metrics.get("incumbent_then", {}),
            "later": model.metrics.get("incumbent_ahead", {}),
        },
        "closer": model.metrics.get("closer", {}),
    }


def _measures(model: ModelVersion) -> Json:
    return {name: value for name, value in model.metrics.items() if isinstance(value, dict) and "value" in value}


def _loss(model: ModelVersion) -> float:
    """Held-out log-loss; a baseline without one comes last."""
    value = model.metrics.get("log_loss", {}).get("value")
    return float("inf") if value is None else float(value)


def decisions_of(session: Session, study: Study) -> list[Json]:
    """What the team decided, the newest first, with the figures as they stood then."""
    rows = session.exec(select(Decision).where(Decision.study_id == study.id).order_by(col(Decision.id).desc()))
    return [
        {
            "decided_at": one.decided_at.isoformat(timespec="seconds"),
            "by": one.decided_by,
            "decision": one.decision,
            "reason": one.reason,
            "round": one.round_number,
            "suggestion": one.suggestion_id,
            "figures": one.figures,
        }
        for one in rows
    ]


def suggestions_of(session: Session, study: Study, language: str) -> list[Json]:
    """All suggestions, the newest round's first and the most important of it first."""
    ordered = select(Suggestion).where(Suggestion.study_id == study.id)
    rows = session.exec(
        ordered.order_by(col(Suggestion.round_id).desc(), col(Suggestion.rank).desc(), col(Suggestion.id))
    )
    return [_suggestion(one, language) for one in rows]


def _suggestion(one: Suggestion, language: str) -> Json:
    said = {
        "id": one.id,
        "rule": one.rule,
        "rule_version": one.rule_version,
        "category": one.category,
        "segment": one.segment,
        "metric": one.metric,
        "title": in_language(one.title, language),
        "change": in_language(one.change, language),
        "figure": one.figure,
        "p_adjusted": one.p_adjusted,
        "tested": one.tested,
        "predicted": one.predicted,
        "judged_in_round": one.judged_in_round,
        "status": one.status,
        "evidence": {"ratings": [], "comments": [], "requests": [], **one.evidence},
        "against": [in_language(text, language) for text in one.against],
    }
    return said if one.verdict is None else said | {"verdict": one.verdict}


def in_language(texts: dict[str, str], language: str) -> str:
    """A text in ``language``, or in English, or in whatever there is."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def unknown_token_share(session: Session, study: Study) -> float | None:
    """Share of the texts' tokens that the encoder of the last trained round does not know; None before any training."""
    rows = session.exec(select(Round).where(Round.study_id == study.id).order_by(col(Round.number).desc()))
    shares = (round_.config.get("unknown_token_share") for round_ in rows)
    return next((float(share) for share in shares if share is not None), None)
