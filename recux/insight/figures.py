"""Figures as tables: those that rounds have stored, which are quick to read, or those of this moment."""

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Batch, Figure, Round, Study, now
from recux.evaluation import scope
from recux.evaluation.snapshot import snapshot
from recux.insight.kept import kept

COLUMNS = (
    "round", "closed_at", "arm", "cut", "metric", "value", "ci_low", "ci_high", "n", "reason", "definition", "method",
    "details",
)  # fmt: skip


def stored(session: Session, study: Study, section: str, *, cut: str = "", last: bool = False) -> pd.DataFrame:
    """All figures of a section over the rounds that are done, oldest round first; with ``last`` of the newest only.

    ``arm`` is an arm's key, or empty for all together; ``cut`` is empty for everything up to the round, ``batch`` for
    the round's batch alone. Where ``value`` is missing, ``reason`` says why. ``details`` holds what else a comparison
    found, such as what another mix of cohorts did to it.
    """
    columns = [getattr(Figure, name) for name in COLUMNS[2:]]
    statement = (
        sa.select(col(Round.number), col(Batch.closed_at), *columns)
        .join(Round, col(Round.id) == col(Figure.round_id))
        .join(Batch, col(Batch.id) == col(Round.batch_id))
        .where(col(Round.study_id) == study.id, col(Round.status) == "done")
        .where(col(Figure.section) == section, col(Figure.cut) == cut)
        .order_by(col(Round.number), col(Figure.id))
    )
    if last:
        done = sa.select(sa.func.max(col(Round.number))).where(
            col(Round.study_id) == study.id, col(Round.status) == "done"
        )
        statement = statement.where(col(Round.number) == done.scalar_subquery())
    return pd.DataFrame(session.connection().execute(statement).all(), columns=list(COLUMNS))


def newest(figures: pd.DataFrame) -> pd.DataFrame:
    """Those of the last round."""
    last: pd.DataFrame = figures[figures["round"] == figures["round"].max()]
    return last


def live(session: Session, study: Study, section: str) -> pd.DataFrame:
    """The same table for everything that counts at this moment, as round 0: for studies that have no round yet.

    ``section`` is ``satisfaction``, ``recommendation`` or ``stability``. It reads every row of the study.
    """
    data, moment = snapshot(session, study, scope.live(study)), now()
    rows: list[tuple[object, ...]] = []
    for arm in ("", *data.arms):
        part = data if arm == "" else data.of_arm(arm)
        figures = {
            "satisfaction": part.satisfaction,
            "recommendation": part.recommendation,
            "stability": part.stability,
        }[section]()
        for metric, one in figures.items():
            interval = (one.value, one.ci_low, one.ci_high, one.n)
            rows.append((0, moment, arm, "", metric, *interval, one.reason, one.definition, one.method, {}))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def current(session: Session, study: Study, section: str) -> pd.DataFrame:
    """What the last round has stored, or, before the first round, the figures of this moment."""
    table = stored(session, study, section, last=True)
    return kept(session, study, live, section).value if table.empty else table
