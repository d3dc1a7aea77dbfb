"""The report's main figures as lines of text."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from db.engine import read_session
from recux.collect.studies import get_study

Figure = Mapping[str, Any]
SATISFACTION = {"nps": "NPS", "csat": "CSAT", "mean_rating": "mean rating"}
STABILITY = {"p95_ms": "response p95 (ms)", "failure_rate": "failure rate"}
MODEL_METRICS = ("auc", "qwk", "mae", "brier")


def main_figures(engine: sa.Engine, slug: str) -> list[str]:
    """What the report says in short: satisfaction, stability, models beside baselines, comparisons, suggestions."""
    from recux.report import build_report

    with read_session(engine) as session:
        report = build_report(session, get_study(session, slug))
    synthetic = ", synthetic" if report["synthetic"] else ""
    return [
        f"{report['title']} (study {report['study']}{synthetic})",
        *_by_arm(SATISFACTION, report["satisfaction"]),
        *_by_arm({"ctr": "click-through rate"}, report["recommendation"]),
        *_by_arm(STABILITY, report["stability"]),
        *_comparisons(report["experiment"]),
        *_models(report["models"]),
        *_suggestions(report["suggestions"]),
    ]


def figure_in_words(figure: Figure | None) -> str:
    """A value with its interval and n, or why there is none."""
    if not figure or figure.get("value") is None:
        return f"not estimable ({(figure or {}).get('reason', 'no data')})"
    interval = ""
    if figure.get("ci_low") is not None:
        interval = f" ({_short(figure['ci_low'])} to {_short(figure['ci_high'])})"
    n = f", n {figure['n']}" if figure.get("n") is not None else ""
    return f"{_short(figure['value'])}{interval}{n}"


def _by_arm(names: Mapping[str, str], part: Mapping[str, Any]) -> Iterator[str]:
    for key, name in names.items():
        yield f"  {name}: {figure_in_words(part.get(key))}"
        for arm, figures in part.get("by_arm", {}).items():
            yield f"    {arm}: {figure_in_words(figures.get(key))}"


def _comparisons(experiment: Mapping[str, Any]) -> Iterator[str]:
    yield f"  arms against {experiment.get('control')}:"
    for one in experiment.get("comparisons", []):
        verdict = str(one["verdict"]).replace("_", " ")
        yield f"    {one['arm']}: {one['metric']} {figure_in_words(one['difference'])}: {verdict}"


def _models(models: Mapping[str, Any]) -> Iterator[str]:
    yield "  models on held-out people (in brackets: the best baseline):"
    for head, model in models.items():
        shown = [
            f"{metric} {_value(model[metric])} [{_value((model.get('baseline') or {}).get(metric))}]"
            for metric in MODEL_METRICS
            if metric in model
        ]
        serves = "" if model.get("champion") else "; a baseline serves"
        yield f"    {head}: {', '.join(shown) or 'not enough data'}{serves}"


def _suggestions(suggestions: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"  suggestions: {len(suggestions)}"
    for one in suggestions:
        verdict = f", {one['verdict']}" if one.get("verdict") else ""
        yield f"    {one['title']} [{one['category']}, {one['status']}{verdict}]"


def _value(figure: Figure | None) -> str:
    return "-" if not figure or figure.get("value") is None else _short(figure["value"])


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
