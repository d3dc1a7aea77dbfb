"""Groups beside each other: how answers are spread before their average, then over time."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from recux import charts
from recux.ui import figures, frame, take, times, words
from recux.ui.language import _

MOST = 8
"""Groups in one chart: there are as many colours."""


def beside(rows: pd.DataFrame, spread: pd.DataFrame, metric: str, names: Mapping[str, str]) -> None:
    """The spread of the answers, then each group's figure with its interval; groups that are too small have neither."""
    title, form = words.metric(metric), figures.number_format(metric)
    hidden = set(rows.loc[rows["reason"].astype("str").str.startswith("hidden"), "group"])
    spread = spread[~spread["group"].isin(hidden)].astype({"group": "str"})
    if not spread.empty:
        spread = spread.assign(arm=spread["group"].map(names)).dropna(subset=["arm"])
        what = _("Share of ratings") if metric == "mean_rating" else _("Share of people")
        points = words.points(metric)
        st.altair_chart(charts.shares(spread, list(names.values()), title=what, x_title=_("Answer"), points=points))
        take.numbers(spread[["answer", "group", "share", "n"]], f"spread-{metric}")
    known = figures.labelled(rows.rename(columns={"group": "arm"}), metric, names)
    if known.empty:
        frame.empty(_("No group has enough answers for an interval yet."))
    else:
        st.altair_chart(charts.dots(known, list(names.values()), title=title, number=form))
    if hidden:
        st.caption(_("{n} groups are hidden, because so few people could be recognised.").format(n=len(hidden)))


def over_time(trend: pd.DataFrame, metric: str, names: Mapping[str, str], period: str) -> None:
    """A line for each group."""
    rows = trend[trend["group"].isin(list(names)) & trend["value"].notna()]
    if rows.empty:
        frame.empty(
            _("Nothing to draw yet: the first round begins the curve, or choose days."), "rounds", _("See the rounds")
        )
        return
    rows = rows.assign(arm=rows["group"].map(names), when=rows["period"])
    title, form = words.metric(metric), figures.number_format(metric)
    st.altair_chart(charts.trend(rows, list(names.values()), title=title, x_title=_when(period), number=form))
    take.numbers(trend, f"{metric}-by-{period}")


def names_of(table: pd.DataFrame, arms: Mapping[str, str], by: str) -> dict[str, str]:
    """The groups to show and how they are called; arms in their own order."""
    if by == "arm":
        return dict(arms)
    groups = [str(group) for group in table["group"].unique() if group]
    return {group: group for group in groups[:MOST]}


def _when(period: str) -> str:
    return words.period(period) if period == "round" else f"{words.period(period)} ({times.zone()})"
