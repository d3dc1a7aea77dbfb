"""What a round's training process saw in models and comments, turned into rows."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import insert_many
from db.tables import Answer, CommentReading, CommentTheme, ModelExample, ModelVersion, Rating, Round
from recux.learn.files import read_json

Json = dict[str, Any]
SHOWN = ("value", "ci_low", "ci_high", "n", "definition", "method", "reason")


def record_looks(session: Session, round_: Round, folder: Path) -> None:
    """Store the closer look at each model beside it, and the readings of comments in place of the last round's.

    What is quoted is kept as a reference to its row, so that erasing the row erases it here too.
    """
    versions = session.exec(select(ModelVersion).where(ModelVersion.round_id == round_.id)).all()
    looks = _read(folder / "closer.json")
    for version in versions:
        if look := looks.get(version.head, {}).get(version.name):
            version.metrics = {**version.metrics, "closer": closer(look)}
            session.add(version)
            _examples(session, version, look["worst"])
    told = _read(folder / "comments.json")
    if told:
        _readings(session, round_, told)


def closer(look: Json) -> Json:
    """A look without what it quotes, its measures in the shape of the report's figures."""
    cohorts = look["cohorts"]
    return {
        **{name: look[name] for name in ("head", "n", "reliability", "confusion")},
        "cohorts": {c: figure(one) for c, one in cohorts["errors"].items()},
        "cohort_gap": figure(cohorts["gap"]),
        "changes": {one["change"]: figure(one) for one in look["changes"]},
    }


def figure(measure: Json) -> Json:
    """A measure in the shape of the report's figures."""
    if measure["value"] is None:
        return {"value": None, "reason": measure["reason"]}
    return {name: measure[name] for name in SHOWN if name != "reason"}


def _examples(session: Session, version: ModelVersion, worst: list[Json]) -> None:
    known = _still_there(session, [one["key"] for one in worst])
    rows = [
        {
            "model_version_id": version.id,
            **_row_of(one["key"]),
            **{name: one[name] for name in ("label", "expected", "words", "weights")},
        }
        for one in worst
        if one["key"] in known
    ]
    insert_many(session, ModelExample, rows)


def _readings(session: Session, round_: Round, told: Json) -> None:
    for table in (CommentReading, CommentTheme):
        session.connection().execute(sa.delete(table).where(col(table.study_id) == round_.study_id))
    known = _still_there(session, [one["key"] for one in told["readings"]])
    ids: dict[int | None, int | None] = {None: None}
    for number, theme in enumerate(told["themes"], start=1):
        row = CommentTheme(study_id=round_.study_id, round_id=round_.id or 0, number=number, **theme)
        session.add(row)
        session.flush()
        ids[number] = row.id
    rows = [
        {
            "study_id": round_.study_id,
            "round_id": round_.id,
            **_row_of(one["key"]),
            "theme_id": ids[one["theme"]],
            **{name: one[name] for name in ("nearness", "expected", "likely")},
        }
        for one in told["readings"]
        if one["key"] in known
    ]
    insert_many(session, CommentReading, rows)


def _row_of(key: str) -> Json:
    kind, _, number = key.partition("-")
    return {
        "rating_id": int(number) if kind == "rating" else None,
        "answer_id": int(number) if kind == "answer" else None,
    }


def _still_there(session: Session, keys: list[str]) -> set[str]:
    """Those of ``keys`` whose row was not erased since the job was written."""
    found = set()
    for kind, table in (("rating", Rating), ("answer", Answer)):
        asked = [int(key.partition("-")[2]) for key in keys if key.startswith(f"{kind}-")]
        for at in range(0, len(asked), 500):
            rows = sa.select(col(table.id)).where(col(table.id).in_(asked[at : at + 500]))
            found |= {f"{kind}-{row}" for row in session.connection().execute(rows).scalars()}
    return found


def _read(file: Path) -> Json:
    return dict(read_json(file)) if file.is_file() else {}
