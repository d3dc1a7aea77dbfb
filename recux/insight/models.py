"""The models of a round, looked at closely: what they are worth, where they err, and on whose words."""

from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import counts
from db.tables import Answer, Item, ModelExample, ModelVersion, Participant, Rating, Response, Round
from recux.masking import mask

HEADS = ("satisfaction", "rating", "behaviour", "response_time")
AHEAD = ("log_loss", "auc", "qwk", "mae", "ece", "coverage_90")
"""Measures of a model that served, on people who came later."""
Json = dict[str, Any]


def of_round(session: Session, round_: Round) -> dict[str, list[ModelVersion]]:
    """The models that a round made, by head in the order of ``HEADS``; the fine-tuned one before the baselines."""
    found = session.exec(select(ModelVersion).where(ModelVersion.round_id == round_.id)).all()
    ordered = sorted(found, key=lambda one: (one.baseline, one.id or 0))
    return {head: mine for head in HEADS if (mine := [one for one in ordered if one.head == head])}


def measures(made: list[ModelVersion]) -> pd.DataFrame:
    """Every measure of every model that has a value: ``model``, ``measure`` and the fields of a figure."""
    rows = [
        {"model": one.name, "measure": name, **figure}
        for one in made
        for name, figure in one.metrics.items()
        if isinstance(figure, dict) and figure.get("value") is not None
    ]
    return pd.DataFrame(rows, columns=["model", "measure", "value", "ci_low", "ci_high", "n", "definition"])


def reliability(model: ModelVersion) -> pd.DataFrame:
    """``predicted``, ``observed`` and ``n`` of each bin of probability; empty when the model was not looked at."""
    bins = _closer(model).get("reliability", [])
    return pd.DataFrame(bins, columns=["low", "high", "predicted", "observed", "n"])


def confusion(model: ModelVersion) -> pd.DataFrame:
    """``true`` and ``called`` (stars, or 0 and 1), ``n`` and ``share`` of the true class, a row for each cell."""
    cells = _closer(model).get("confusion", [])
    first = 1 if len(cells) == 5 else 0
    rows = [
        (i + first, j + first, n, n / sum(line) if sum(line) else 0.0)
        for i, line in enumerate(cells)
        for j, n in enumerate(line)
    ]
    return pd.DataFrame(rows, columns=["true", "called", "n", "share"])


def forgetting(model: ModelVersion) -> pd.DataFrame:
    """Log-loss on the held-out rows of each round: ``round``, ``which`` (``this`` model or the one ``before`` it),
    ``value``, ``ci_low``, ``ci_high``, ``n``.
    """
    both = (("this", model.metrics.get("by_round", {})), ("before", model.metrics.get("incumbent_by_round", {})))
    rows = [
        (int(number), which, *(figure.get(name) for name in ("value", "ci_low", "ci_high", "n")))
        for which, losses in both
        for number, figure in losses.items()
        if figure.get("value") is not None
    ]
    table = pd.DataFrame(rows, columns=["round", "which", "value", "ci_low", "ci_high", "n"])
    return table.sort_values(["which", "round"], ascending=[False, True], ignore_index=True)


def ahead(made: list[ModelVersion]) -> pd.DataFrame:
    """The model that served before, as it served, on people who came after it had learned: ``measure``, ``when``
    (``then``, when it was chosen, or ``later``), ``value``, ``ci_low``, ``ci_high``, ``n``. Empty when nobody came.
    """
    metrics = made[0].metrics
    both = (("then", metrics.get("incumbent_then", {})), ("later", metrics.get("incumbent_ahead", {})))
    rows = [
        (name, when, *(figures[name].get(field) for field in ("value", "ci_low", "ci_high", "n")))
        for name in AHEAD
        for when, figures in both
        if figures.get(name, {}).get("value") is not None and name in metrics.get("incumbent_ahead", {})
    ]
    return pd.DataFrame(rows, columns=["measure", "when", "value", "ci_low", "ci_high", "n"])


def cohort_errors(model: ModelVersion) -> tuple[pd.DataFrame, Json | None]:
    """Errors by ``cohort`` (with the fields of a figure), and the largest gap between two as a figure."""
    look = _closer(model)
    return _figures(look.get("cohorts", {}), "cohort"), look.get("cohort_gap")


def changes(model: ModelVersion) -> pd.DataFrame:
    """Share of predictions that flip by ``change`` (``typo``, ``case``, ``synonym``), with the fields of a figure."""
    return _figures(_closer(model).get("changes", {}), "change")


def cold_start(model: ModelVersion) -> pd.DataFrame:
    """Mean error in stars by what was ``known`` of the person, and for new items, with the fields of a figure."""
    return _figures(
        {known: part.get("mae", {}) for known, part in model.metrics.get("cold_start", {}).items()}, "known"
    )


def worst(session: Session, model: ModelVersion, *, raw: bool = False) -> pd.DataFrame:
    """What the model got most wrong: ``text`` (masked unless ``raw``), ``item``, ``label``, ``expected``, ``words``
    and ``weights`` (None where the model cannot be asked, or where masking would be undone by them).
    """
    mine = col(ModelExample.model_version_id) == model.id
    asked = (col(ModelExample.label), col(ModelExample.expected), col(ModelExample.words), col(ModelExample.weights))
    rated = (
        sa.select(col(Rating.comment), col(Item.title), *asked, col(ModelExample.id))
        .join(Rating, col(Rating.id) == col(ModelExample.rating_id))
        .join(Item, col(Item.id) == col(Rating.item_id))
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
    )
    told = (
        sa.select(col(Answer.text), sa.cast(sa.null(), sa.String), *asked, col(ModelExample.id))
        .join(Answer, col(Answer.id) == col(ModelExample.answer_id))
        .join(Response, col(Response.id) == col(Answer.response_id))
        .join(Participant, col(Participant.id) == col(Response.participant_id))
    )
    rows = [
        tuple(row)
        for statement in (rated, told)
        for row in session.connection().execute(statement.where(mine, counts()))
    ]
    table = pd.DataFrame(rows, columns=["text", "item", "label", "expected", "words", "weights", "id"])
    table = table.assign(text=table["text"].fillna("")).sort_values("id", ignore_index=True)
    if raw:
        return table
    hidden = [
        mask(text) != text or (words and mask(" ".join(words)) != " ".join(words))
        for text, words in zip(table["text"], table["words"], strict=True)
    ]
    for name in ("words", "weights"):
        table[name] = table[name].astype(object).where(~pd.Series(hidden, index=table.index, dtype=bool), None)
    return table.assign(text=table["text"].map(mask))


def card(model: ModelVersion, home: Path) -> str | None:
    """The model card in Markdown; None when the model never served, or its folder is elsewhere."""
    folder = (home / model.folder).resolve()
    if not folder.is_relative_to(home.resolve()):
        return None
    for name in (f"README-{model.head}.md", "README.md"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    return None


def _closer(model: ModelVersion) -> Json:
    found: Json = model.metrics.get("closer", {})
    return found


def _figures(figures: Json, name: str) -> pd.DataFrame:
    fields = ["value", "ci_low", "ci_high", "n", "reason"]
    rows = [{name: key, **{field: figure.get(field) for field in fields}} for key, figure in figures.items()]
    return pd.DataFrame(rows, columns=[name, *fields]).astype(dict.fromkeys(fields[:3], "float64"))
