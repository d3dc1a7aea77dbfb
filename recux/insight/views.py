"""What the overview shows of any part of a study: figures, curve, spread, and the rows behind a figure.

Each is a function of a module with plain arguments, so that another process can read it for a large study.
"""

from typing import NamedTuple

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.insight import behind, cuts, satisfaction, spread
from recux.insight.cuts import Cut, Dimension
from recux.insight.satisfaction import By
from recux.spreadsheet import csv_of

SHOWN = 1000
"""Rows behind a figure on the screen; the download has all."""


class Behind(NamedTuple):
    """What is behind a figure."""

    rows: pd.DataFrame
    """The newest ones, as of ``behind.rows_behind``."""
    n: int
    people: int


def figures(session: Session, study: Study, cut: Cut, by: Dimension) -> pd.DataFrame:
    """The figures of a part, split; see ``satisfaction.now``."""
    return satisfaction.now(cuts.read(session, study, cut), study, cut, by=by)


def curve(session: Session, study: Study, cut: Cut, by: Dimension, over: tuple[str, By, str]) -> pd.DataFrame:
    """A metric over periods in a time zone; see ``satisfaction.trend``."""
    metric, period, zone = over
    said = cuts.read(session, study, cut)
    return satisfaction.trend(said, study, metric, period=period, by=by, zone=zone)


def spread_of(session: Session, study: Study, cut: Cut, by: Dimension, metric: str) -> pd.DataFrame:
    """How the answers are spread; see ``spread.spread``."""
    return spread.spread(cuts.read(session, study, cut), metric, by)


def rows_behind(session: Session, study: Study, cut: Cut, metric: str) -> Behind:
    """The newest rows that a figure is made of, and how many there are."""
    rows = behind.rows_behind(cuts.read(session, study, cut), metric, study.min_group)
    return Behind(rows.head(SHOWN), len(rows), int(rows["person"].nunique()))


def rows_as_csv(session: Session, study: Study, cut: Cut, metric: str) -> bytes:
    """All of them, to take away."""
    return csv_of(behind.rows_behind(cuts.read(session, study, cut), metric, study.min_group))
