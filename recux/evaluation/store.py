"""What a round keeps of its figures: everything up to its batch, and its batch alone, for trends."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import insert_many
from db.tables import Batch, Figure, Round, Study, StudyAggregate
from recux.evaluation import later
from recux.evaluation.aggregates import Cumulative, cumulative
from recux.evaluation.aggregates.earlier import Earlier, changes_from
from recux.evaluation.before_after import changes
from recux.evaluation.data_quality import flagged_shares
from recux.evaluation.figure import FigureValue
from recux.evaluation.satisfaction import constructs
from recux.evaluation.scope import Scope, alone, up_to
from recux.evaluation.snapshot import Figures, Snapshot, flags, snapshot

CUMULATIVE, BATCH, PREVIOUS = "", "batch", "previous"


def evaluate_round(session: Session, round_: Round) -> None:
    """Compute and store the figures of a round, in the caller's transaction; those it stored before are replaced.

    A session whose writes are gathered (:mod:`recux.evaluation.later`) only reads.
    """
    study, batch = session.get_one(Study, round_.study_id), session.get_one(Batch, round_.batch_id)
    kept = session.get(StudyAggregate, study.id)
    behind = kept is not None and batch.number < kept.batch  # sums only move on: an older batch is read again
    found = None if behind else cumulative(session, study, batch)
    rows = _rows_up_to(found) if found else list(_rows_of(session, study, up_to(batch), CUMULATIVE))
    if batch.number == 1:  # it is everything up to it
        rows += [row | {"cut": BATCH} for row in rows]
    else:
        own = alone(session, batch)
        data = snapshot(session, study, own)
        rows += _rows_in(session, own, data, BATCH)
        rows += _changes(session, study, batch, data, found.earlier if found else None)
    code = version("recux")
    figures = [row | {"round_id": round_.id, "code_version": code} for row in rows]
    number = round_.id

    def replace(at_last: Session) -> None:
        at_last.connection().execute(sa.delete(Figure).where(col(Figure.round_id) == number))
        insert_many(at_last, Figure, figures)

    later.write(session, replace)


def _rows_up_to(found: Cumulative) -> list[dict[str, Any]]:
    """Everything up to a batch, from kept sums."""
    rows = [
        _row(section, arm, CUMULATIVE, metric, value)
        for arm, sections in found.sections.items()
        for section, figures in sections.items()
        for metric, value in figures.items()
    ]
    rows += [
        _row("experiment", one.arm, CUMULATIVE, one.metric, one.difference) | {"details": one.details()}
        for one in found.comparisons
    ]
    return rows + [_row("data_quality", "", CUMULATIVE, metric, value) for metric, value in found.flags.items()]


def _rows_of(session: Session, study: Study, scope: Scope, cut: str) -> Iterator[dict[str, Any]]:
    return _rows_in(session, scope, snapshot(session, study, scope), cut)


def _rows_in(session: Session, scope: Scope, data: Snapshot, cut: str) -> Iterator[dict[str, Any]]:
    for arm in ("", *data.arms):
        part = data if arm == "" else data.of_arm(arm)
        for section, figures in _figures(part).items():
            for metric, value in figures.items():
                yield _row(section, arm, cut, metric, value)
    for one in data.comparisons():
        yield _row("experiment", one.arm, cut, one.metric, one.difference) | {"details": one.details()}
    spoke = set(data.ratings["participant"]) | set(data.answers["participant"])
    for metric, value in flagged_shares(flags(session, scope, data), len(spoke)).items():
        yield _row("data_quality", "", cut, metric, value)


def _changes(
    session: Session, study: Study, batch: Batch, after: Snapshot, earlier: Earlier | None
) -> Iterator[dict[str, Any]]:
    """This batch, whose rows are ``after``, against the one before it, from kept sums where these say what it was."""
    here = (col(Batch.study_id) == batch.study_id, col(Batch.number) == batch.number - 1)
    previous = session.exec(select(Batch).where(*here)).first()
    if previous is None:
        return
    if earlier is not None:
        found = changes_from(session, study, previous, earlier, after)
    else:
        found = changes(snapshot(session, study, alone(session, previous)), after, number=batch.number)
    for one in found:
        yield _row("before_after", one.arm, PREVIOUS, one.metric, one.difference) | {"details": one.details()}


def _figures(data: Snapshot) -> dict[str, Figures]:
    measured = constructs(data.answers, data.instruments)
    return {
        "satisfaction": data.satisfaction() | {name: both.score for name, both in measured.items()},
        "recommendation": data.recommendation(),
        "stability": data.stability(),
        "data_quality": {f"{name}.alpha": both.alpha for name, both in measured.items()}
        | {f"{name}.omega": both.omega for name, both in measured.items()},
    }


def _row(section: str, arm: str, cut: str, metric: str, value: FigureValue) -> dict[str, Any]:
    return {
        "section": section,
        "arm": arm,
        "cut": cut,
        "metric": metric,
        "value": value.value,
        "ci_low": value.ci_low,
        "ci_high": value.ci_high,
        "n": value.n,
        "reason": value.reason,
        "definition": value.definition,
        "method": value.method,
        "details": {},
    }
