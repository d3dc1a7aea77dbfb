"""The parts of the effect page: figures by arm, over rounds, the catalogue, hidden good items, newcomers."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from db.engine import read_session
from db.tables import Study
from recux import charts
from recux.insight import catalogue
from recux.insight import figures as stored
from recux.insight.kept import kept
from recux.insight.small_groups import hide_small
from recux.ui import data, figures, frame, take, words
from recux.ui.language import _
from recux.ui.plain import plain

Arms = Mapping[str, str]
CATALOGUE = ("coverage", "gini", "diversity", "novelty", "serendipity")
VIEWS = ("rounds", "catalogue", "hidden", "newcomers")


def headline(last: pd.DataFrame, arms: Arms) -> str:
    """The first rate, arm by arm. Whether arms differ is for the experiment's test to say, not for two intervals."""
    for metric in ("ctr", "purchase_rate"):
        rows = last[(last["metric"] == metric) & last["arm"].isin(list(arms)) & last["value"].notna()]
        if not rows.empty:
            told = ", ".join(
                f"{arms[row['arm']]} {figures.written(row['value'], metric)}" for row in rows.to_dict("records")
            )
            return plain(f"{words.short(metric)}: {told}")
    return _("What do people do with the recommendations?")


def by_arm(last: pd.DataFrame, metric: str, arms: Arms) -> None:
    """One metric, arm beside arm."""
    rows = figures.labelled(last[last["metric"] == metric], metric, arms)
    if rows.empty:
        frame.empty(_("No arm has enough of it for an interval yet."))
        return
    title, form = words.metric(metric), figures.number_format(metric)
    st.altair_chart(charts.dots(rows, list(arms.values()), title=title, number=form))


def view(study: Study, code: str, metric: str, arms: Arms) -> None:
    """What was chosen to look at below."""
    {"rounds": _rounds, "catalogue": _exposure, "hidden": _hidden, "newcomers": _newcomers}[code](study, metric, arms)


def names() -> dict[str, str]:
    """The views by code."""
    return {
        "rounds": _("Round by round"),
        "catalogue": _("Which items are shown"),
        "hidden": _("Good items shown low"),
        "newcomers": _("Cold start"),
    }


def _rounds(study: Study, metric: str, arms: Arms) -> None:
    with read_session(data.engine()) as session:
        table = stored.stored(session, study, "recommendation", cut="batch")
    rows = table[(table["metric"] == metric) & table["arm"].isin(list(arms))]
    rows = hide_small(rows, study.min_group)
    rows = rows[rows["value"].notna()]
    if rows.empty:
        frame.empty(_("Nothing to draw yet: the first round begins the curve."), "rounds", _("See the rounds"))
        return
    shown = rows.assign(arm=rows["arm"].map(arms), when=rows["round"])
    form = figures.number_format(metric)
    st.altair_chart(
        charts.trend(shown, list(arms.values()), title=words.metric(metric), x_title=_("Round"), number=form)
    )
    take.numbers(shown[["round", "arm", "metric", "value", "ci_low", "ci_high", "n"]], "effect-by-round")


def _exposure(study: Study, _metric: str, arms: Arms) -> None:
    with read_session(data.engine()) as session:
        table = kept(session, study, catalogue.exposure).value
    if table.empty:
        frame.empty(_("No list was shown to anybody yet, or nobody reacted to one."))
        return
    tenth = table[table["share_of_items"].round(2) == 0.10]
    for row in tenth.to_dict("records"):
        said = _("{arm}: the tenth of the catalogue that is shown most takes {share} of all places.")
        st.text(said.format(arm=arms.get(row["arm"], row["arm"]), share=f"{row['share_of_places']:.0%}"))
    named = table.assign(arm=table["arm"].map(arms))
    title, x_title = _("Share of all places"), _("Share of the catalogue, most shown first")
    st.altair_chart(charts.concentration(named, list(arms.values()), title=title, x_title=x_title))
    take.numbers(named, "exposure")


def _hidden(study: Study, _metric: str, _arms: Arms) -> None:
    with read_session(data.engine()) as session:
        table = kept(session, study, catalogue.hidden_gems, study.min_group).value
    if table.empty:
        st.text(_("None: no item that people like stands in the lower half of its lists."))
        return
    said = _(
        "{n} items are rated {stars} stars or more by at least {people} people, yet stand in the lower half of lists."
    )
    st.text(said.format(n=len(table), stars=f"{catalogue.GOOD_FROM:.0f}", people=study.min_group))
    columns = {
        "item": st.column_config.TextColumn(_("Item"), width="large"),
        "category": st.column_config.TextColumn(_("Category")),
        "stars": st.column_config.NumberColumn(_("Mean stars"), format="%.2f"),
        "people": st.column_config.NumberColumn(_("People")),
        "position": st.column_config.NumberColumn(_("Mean place"), format="%.1f"),
        "shown": st.column_config.NumberColumn(_("Times shown")),
    }
    st.dataframe(table, hide_index=True, column_config=columns, column_order=list(columns))
    take.numbers(table, "good-items-shown-low")


def _newcomers(study: Study, _metric: str, _arms: Arms) -> None:
    with read_session(data.engine()) as session:
        table = hide_small(kept(session, study, catalogue.newcomers).value, study.min_group)
    known = {"new": _("no earlier rating"), "few": _("1 to 4 earlier ratings"), "known": _("5 or more earlier ratings")}
    titles = {
        "item": _("Items by how often they were rated before"),
        "person": _("People by how often they rated before"),
    }
    for place, (of, title) in zip(st.columns(2, gap="large"), titles.items(), strict=True):
        rows = table[(table["of"] == of) & table["value"].notna() & table["ci_low"].notna()]
        labels = [
            f"{known[code]}|{value:.2f} (n = {int(n):,})"
            for code, value, n in zip(rows["known"], rows["value"], rows["n"], strict=True)
        ]
        place.markdown(f"**{title}**")
        if rows.empty:
            place.text(_("Not enough ratings yet."))
            continue
        drawn = rows.assign(arm=rows["known"].map(known), label=labels)
        place.altair_chart(charts.dots(drawn, list(known.values()), title=_("Mean rating (1 to 5)")))
    take.numbers(table, "cold-start")
