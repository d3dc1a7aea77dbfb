"""The figures now, against the last round; one click leads to the definition, n, and the rows behind."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from recux.insight.views import Behind
from recux.ui import definitions, figures, times, words
from recux.ui.language import _
from recux.ui.plain import plain

MAIN = ("nps", "csat", "mean_rating", "combined")
A_ROW = 4
LEVEL = 0.05
"""Corrected for all changes of the round."""


class Rows(NamedTuple):
    """How the rows behind a figure are had, by its metric."""

    newest: Callable[[str], Behind]
    every: Callable[[str], bytes]
    """As CSV."""


def headline(changes: pd.DataFrame, primary: str) -> str:
    """Whether the metric that decides moved in the last round, in one line; empty when nothing says so."""
    change: Any = changes.loc[primary] if primary in changes.index else None
    if change is None or pd.isna(change["value"]):
        return ""
    p = change["details"].get("p_adjusted")
    if change["details"].get("against"):
        text = _("{metric}: cannot be compared with round {n}, because a different mix of people came")
    elif p is None or p >= LEVEL:
        text = _("{metric}: no sure change since round {n}")
    elif change["value"] > 0:
        text = _("{metric}: up by {by} since round {n}")
    else:
        text = _("{metric}: down by {by} since round {n}")
    by = figures.written(abs(change["value"]), primary)
    return plain(text.format(metric=words.short(primary), by=by, n=int(change["round"]) - 1))


def show(table: pd.DataFrame, changes: pd.DataFrame, metrics: list[str], rows: Rows) -> None:
    """A tile for each metric: the main ones first, then questionnaires and their constructs."""
    by_name = table.drop_duplicates("metric").set_index("metric", drop=False)
    known = [metric for metric in metrics if metric in by_name.index]
    first = [metric for metric in MAIN if metric in known]
    _row(by_name, changes, first, rows)
    others = [metric for metric in known if metric not in MAIN]
    for start in range(0, len(others), A_ROW):
        _row(by_name, changes, others[start : start + A_ROW], rows)


def _row(table: pd.DataFrame, changes: pd.DataFrame, metrics: list[str], rows: Rows) -> None:
    if not metrics:
        return
    for place, metric in zip(st.columns(max(3, len(metrics))), metrics, strict=False):
        row = table.loc[metric]
        with place:
            figures.tile(place, row)
            if metric in changes.index:
                st.caption(plain(_change(changes.loc[metric], metric)))
                _note(changes.loc[metric])
            if st.button(_("What is behind it"), key=f"behind-{metric}", type="tertiary", icon=":material/search:"):
                _behind(row, rows)


def _note(change: Any) -> None:
    """What another mix of cohorts did to the change."""
    if note := change["details"].get("against"):
        st.caption(plain(definitions.said(note)))


def _change(row: Any, metric: str) -> str:
    """The last round against the one before, with its interval."""
    if pd.isna(row["value"]):
        return _("Against the round before: not estimable")
    text = _("Round {n} against {before}: {change} ({interval})")
    change, interval = figures.signed(row["value"], metric), figures.between(row, metric)
    return text.format(n=int(row["round"]), before=int(row["round"]) - 1, change=change, interval=interval)


def _behind(row: Any, rows: Rows) -> None:
    metric = str(row["metric"])
    st.dialog(words.metric(metric), width="large")(_details)(row, metric, rows)


def _details(row: Any, metric: str, rows: Rows) -> None:
    st.markdown(f"**{figures.written(row['value'], metric)}** · {plain(figures.interval(row, metric))}")
    st.text(definitions.said(row["definition"]))
    if row["method"]:
        st.caption(plain(_("Interval: {method}").format(method=definitions.said(row["method"]))))
    found = rows.newest(metric)
    if found.rows.empty:
        st.info(_("The rows are not shown: too few people are behind them."))
        return
    size = _("{n} rows of {people} people").format(n=f"{found.n:,}", people=f"{found.people:,}")
    st.markdown(f"**{size}**")
    shown = found.rows.loc[:, (found.rows != "").any()]
    st.dataframe(shown, hide_index=True, column_config=words.row_columns() | {"at": times.column(_("When"))})
    name = f"{metric}-rows.csv"
    st.download_button(_("Download the rows (CSV)"), partial(rows.every, metric), name, "text/csv")
