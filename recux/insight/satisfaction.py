"""How satisfied people are: now, by arm, cohort, category or language, and over rounds, days or weeks.

What rounds have stored is read from there; anything else is computed from the rows of this moment.
"""

from typing import Literal

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation import satisfaction
from recux.evaluation.figure import FigureValue
from recux.insight import combined, figures
from recux.insight.curves import Curve
from recux.insight.cuts import Cut, Dimension, Said
from recux.insight.small_groups import hide_small
from recux.insight.tables import FIGURE, rows_of, table_of, typed

By = Literal["round", "day", "week"]
PERIODS = {"day": "D", "week": "W-SUN"}
"""Weeks begin on Monday."""
OF_RATINGS = ("mean_rating",)
"""What a category of items has: the rest is asked of people, not of items."""


def stored(session: Session, study: Study) -> pd.DataFrame:
    """Everyone's and every arm's figures of the last round, or of this moment before the first: ``metric``, ``group``
    (an arm's key, or empty: everyone) and the fields of a figure.
    """
    table = figures.current(session, study, "satisfaction").rename(columns={"arm": "group"})
    return _shown(typed(table[["metric", "group", *FIGURE]]), study, Cut())


def now(said: Said, study: Study, cut: Cut, *, by: Dimension = "arm") -> pd.DataFrame:
    """The same table of the rows in ``said``, by any dimension; constructs as ``INSTRUMENT.CONSTRUCT``, their
    reliability with ``.alpha`` behind, all questionnaires together as ``combined``.
    """
    found = rows_of(_figures(said), group="")
    for group in groups(said, by):
        part = said.where(by, group)
        figures_ = {name: satisfaction.mean_rating(part.ratings) for name in OF_RATINGS} if by == "category" else None
        found += rows_of(figures_ or _figures(part), group=group)
    return _shown(table_of(found, "group"), study, cut)


def changes(session: Session, study: Study) -> pd.DataFrame:
    """The last round against the one before, for everyone, by ``metric``: the fields of a figure and ``round``."""
    table = figures.stored(session, study, "before_after", cut="previous", last=True)
    return table[table["arm"] == ""].drop_duplicates("metric").set_index("metric")


def trend_of_rounds(session: Session, study: Study) -> pd.DataFrame:
    """What each finished round stored of its own batch: ``metric``, ``period`` (its number), ``group`` and a figure."""
    table = figures.stored(session, study, "satisfaction", cut="batch")
    table = table.rename(columns={"round": "period", "arm": "group"})
    return _shown(typed(table[["metric", "period", "group", *FIGURE]]), study, Cut())


def trend(
    said: Said, study: Study, metric: str, *, period: By, by: Dimension = "arm", zone: str = "UTC"
) -> pd.DataFrame:
    """One metric from the rows in ``said``, by any dimension, over time; columns as ``trend_of_rounds``. A ``day`` or
    ``week`` begins in ``zone``.

    Each period stands alone, and of a person who answered several times in it the last wave counts.
    """
    rows = said.ratings if metric in OF_RATINGS else said.answers
    periods = rows["batch"] if period == "round" else _starts(rows, PERIODS[period], zone)
    found = Curve(metric, by, said.instruments).of(rows.assign(period=periods))
    return hide_small(table_of(found, "period", "group"), study.min_group)


def groups(said: Said, by: Dimension) -> list[str]:
    """The arms, cohorts, categories or languages that there are rows of; without those that have none."""
    return sorted((set(said.ratings[by].unique()) | set(said.answers[by].unique())) - {""})


def _figures(said: Said) -> dict[str, FigureValue]:
    measured = satisfaction.constructs(said.answers, said.instruments)
    return {
        **satisfaction.figures(said.ratings, said.answers),
        **{name: both.score for name, both in measured.items()},
        **{f"{name}.alpha": both.alpha for name, both in measured.items()},
        "combined": combined.figure_of(said.answers, said.instruments),
    }


def _shown(table: pd.DataFrame, study: Study, cut: Cut) -> pd.DataFrame:
    """Without figures of groups that are too small; the whole study is none."""
    return hide_small(table, study.min_group, where=None if cut.chosen else table["group"] != "")


def _starts(table: pd.DataFrame, length: str, zone: str) -> pd.Series:
    """The first day of each row's period, as the clocks in ``zone`` have it."""
    local = table["moment"].dt.tz_convert(zone).dt.tz_localize(None)
    starts: pd.Series = local.dt.to_period(length).dt.start_time
    return starts
