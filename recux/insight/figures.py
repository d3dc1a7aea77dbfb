"""The figures that rounds have stored, as tables: quick to read, however much was collected."""

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Batch, Figure, Round, Study

COLUMNS = (
    "round", "closed_at", "arm", "cut", "metric", "value", "ci_low", "ci_high", "n", "reason", "definition", "method",
)  # fmt: skip


def stored(session: Session, study: Study, section: str, *, cut: str = "") -> pd.DataFrame:
    """All figures of a section over the rounds that are done, oldest round first.

    ``arm`` is an arm's key, or empty for all together; ``cut`` is empty for everything up to the round, ``batch`` for
    the round's batch alone. Where ``value`` is missing, ``reason`` says why.
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
    return pd.DataFrame(session.connection().execute(statement).all(), columns=list(COLUMNS))


def newest(figures: pd.DataFrame) -> pd.DataFrame:
    """Those of the last round."""
    last: pd.DataFrame = figures[figures["round"] == figures["round"].max()]
    return last
