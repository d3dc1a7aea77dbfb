"""A model card in the format of the Hugging Face hub: front matter for machines, then what a reader must know."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recux.learn.jobs import KindResult, ModelResult, RunResult
from recux.learn.metrics import Measure
from recux.learn.weights import hub_id

SHOWN = ("log_loss", "auc", "qwk", "mae", "accuracy", "f1_macro", "brier", "ece", "coverage_90", "pinball")
USES = {
    "satisfaction": "How satisfied the writer of a comment is, 1 to 5, and whether they would recommend.",
    "rating": "Which rating, 1 to 5, a participant would give an item.",
    "behaviour": "Whether a participant would click or buy an item that is shown.",
    "response_time": "How long a request to the recommender takes, and whether it fails.",
}


MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~!])")


def model_card(result: RunResult, kind: str, look: Mapping[str, Any] | None = None) -> str:
    """The card of the model that serves ``kind`` after this run, in Markdown; ``look`` is from ``closer_look``."""
    found = result.kinds[kind]
    serving = next((m for m in found.models if m.name == found.choice.champion), found.models[0])
    parts = [
        front_matter(serving, kind),
        f"# {kind}: {serving.name}",
        f"{USES[kind]} Made by recux from the feedback of one study; do not use it on another.",
        f"**Why this model:** {found.choice.reason}.",
        trained_on(serving, kind, result),
        "## Held-out figures\n\nOf participants that no model has seen, the same rows for all models.",
        table(found),
        *([fairness(look), robustness(look)] if look else []),
        limits(serving, result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def is_encoder(model: ModelResult, kind: str) -> bool:
    """Whether the model is a fine-tuned encoder, and not a baseline or the model of response times."""
    return not model.baseline and kind != "response_time"


def front_matter(model: ModelResult, kind: str) -> str:
    """What the hub reads; a base model only where the hub has it."""
    named = hub_id(model.base_model) if is_encoder(model, kind) else None
    library = "transformers" if is_encoder(model, kind) else "recux"
    base = f"base_model: {named}\n" if named else ""
    return f"---\nlibrary_name: {library}\ntags: [recux, user-experience]\n{base}---"


def trained_on(model: ModelResult, kind: str, result: RunResult) -> str:
    """How it was made."""
    lines = [f"- training rows: {model.n_train}, test rows: {model.n_test}", f"- device: {model.device}"]
    if is_encoder(model, kind):
        recipe = result.recipe
        base = hub_id(model.base_model) or f"the local folder {Path(model.base_model).name}"
        lines += [
            f"- base model: {escaped(base)}",
            f"- method {recipe.method}, seed {recipe.seed}, at most {recipe.epochs} epochs, {recipe.precision}",
            f"- share of unknown tokens: {result.unknown_token_share or 0:.1%}",
        ]
    return "## Training\n\n" + "\n".join(lines)


def table(found: KindResult) -> str:
    """A row a measure, a column a model."""
    shown = [name for name in SHOWN if any(name in m.metrics for m in found.models)]
    if not shown:
        return "No figures: there are no labelled rows of held-out participants."
    names = [m.name for m in found.models]
    rows = [f"| measure | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    rows += [f"| {s} | {' | '.join(cell(m.metrics.get(s)) for m in found.models)} |" for s in shown]
    return "\n".join(rows)


def fairness(look: Mapping[str, Any]) -> str:
    """Errors by cohort and the largest gap between two."""
    cohorts = look["cohorts"]
    rows = [f"- {escaped(name)}: {cell(Measure(**one))}" for name, one in cohorts["errors"].items()]
    gap = f"- largest gap between cohorts: {cell(Measure(**cohorts['gap']))}"
    return "## Cohorts\n\nMean distance of the expected from the true value.\n\n" + "\n".join([*rows, gap])


def robustness(look: Mapping[str, Any]) -> str:
    """Share of predictions that flip under changes that should not matter."""
    rows = [f"- {one['change']}: {cell(Measure(**without(one, 'change')))}" for one in look["changes"]]
    return "## Small changes\n\nShare of predicted stars that flip.\n\n" + "\n".join(rows) if rows else ""


def without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """All but one."""
    return {key: value for key, value in values.items() if key != name}


def escaped(text: str) -> str:
    """A cohort's name on one line, without any meaning in Markdown."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def cell(measure: Measure | None) -> str:
    """A value with its interval, or why there is none."""
    if measure is None or measure.value is None:
        return (measure.reason if measure else None) or "not measured"
    interval = "" if measure.ci_low is None else f" [{measure.ci_low:.3f}, {measure.ci_high:.3f}]"
    return f"{measure.value:.3f}{interval}"


def limits(model: ModelResult, result: RunResult) -> str:
    """What speaks against relying on it."""
    lines = ["- Figures describe this study's participants; intervals resample them."]
    lines += [f"- {result.out_of_domain}"] if result.out_of_domain else []
    lines += [f"- {head} was left out: {why}" for head, why in result.left_out.items()]
    if model.audit:
        lines.append(f"- On the audit participants, looked at once: log-loss {cell(model.audit.get('log_loss'))}.")
    return "## Limits\n\n" + "\n".join(lines)
