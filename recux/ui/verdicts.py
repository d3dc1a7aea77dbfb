"""An experiment in words, pictures and tables: what decides first, then what must not get worse, then the rest."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from db.tables import Study
from recux import charts
from recux.evaluation.experiment import Comparison
from recux.insight import experiment
from recux.ui import definitions, figures, take, words
from recux.ui.language import _
from recux.ui.plain import plain

Arms = Mapping[str, str]


def decides(found: experiment.Experiment, study: Study, arms: Arms) -> None:
    """The primary metric: a sentence, why, how many more people would tell, and the interval beside zero."""
    for one in found.primary:
        st.subheader(words.sentence(one, arms))
        st.text(words.because(one))
        if one.further is not None and one.further.n_per_arm > 0:
            more = _(
                "About {n} more people per arm would be needed to tell ({low} to {high}, depending on how much people "
                "differ)."
            )
            numbers = {"n": one.further.n_per_arm, "low": one.further.low, "high": one.further.high}
            st.text(more.format(**{name: f"{value:,}" for name, value in numbers.items()}))
        if one.mix is not None:
            st.warning(plain(definitions.said(one.mix.against)), icon=":material/balance:")
        if one.within:
            st.caption(_("Each person saw both arms and is compared with themselves (crossover)."))
    _running(found, study)
    drawn = experiment.table(found.primary)
    drawn = drawn[drawn["value"].notna()] if not drawn.empty else drawn
    if drawn.empty:
        return
    drawn = drawn.assign(arm=drawn["arm"].map(arms))
    drawn = drawn.assign(label=drawn["arm"] + "|" + drawn["verdict"].map(words.verdict))
    metric, control = words.metric(study.primary_metric), next(iter(arms.values()))
    title = _("{metric}: difference to {control}").format(metric=metric, control=control)
    margin = drawn["margin"].iloc[0]
    form = "+" + figures.number_format(study.primary_metric)
    st.altair_chart(charts.differences(drawn, list(arms.values()), title=title, margin=margin, number=form))
    st.text(_("The line is the interval (95 %); inside the grey band a difference is too small to matter."))


def guardrails(found: experiment.Experiment, arms: Arms) -> None:
    """What must not get worse: the other metrics, and what was promised of speed and reliability."""
    st.subheader(_("What must not get worse"))
    for one in found.guardrails:
        text = _("{metric}: {arm} is worse by {value} ({interval}).")
        row = experiment.table([one]).iloc[0]
        value, interval = figures.signed(row["value"], one.metric), figures.between(row, one.metric)
        said = text.format(metric=words.metric(one.metric), arm=arms[one.arm], value=value, interval=interval)
        st.error(plain(said), icon=":material/error:")
    for broken in found.broken:
        text = _("{metric}: {arm} has {value}, at most {target} was promised.")
        value, target = (figures.written(number, broken.metric) for number in (broken.value, broken.promised))
        said = text.format(metric=words.metric(broken.metric), arm=arms[broken.arm], value=value, target=target)
        st.error(plain(said), icon=":material/error:")
    if not found.guardrails and not found.broken:
        st.success(_("Nothing else that was measured got worse, as far as can be told."), icon=":material/check:")


def split(found: experiment.Experiment, arms: Arms) -> None:
    """How many people each arm got while all of them were open, against the plan."""
    counts = " · ".join(f"{arms[arm]}: {n}" for arm, n in found.split.counts.items() if n)
    reason = definitions.said(found.split.reason) or _("not as planned")
    fine = _("no reason to doubt the split") if found.split.ok else reason
    title = _("People who came while these arms were open")
    st.markdown(f"**{title}**: {plain(counts)} ({plain(fine)})")


def others(found: list[Comparison], arms: Arms) -> None:
    """Everything else that was measured, corrected for being looked at together."""
    if not found:
        return
    st.subheader(_("Everything else that was measured"))
    st.text(_("These do not decide; their p-values are corrected for looking at all of them."))
    table = experiment.table(found)
    named = table.assign(what=table["metric"].map(words.metric))
    _differences(named, _("Metric"), arms)


def segments(table: pd.DataFrame, study: Study, arms: Arms) -> None:
    """Groups of people and items, to look for exceptions."""
    if table.empty:
        return
    st.subheader(_("In groups of people and items"))
    st.text(_("To look for exceptions, not to decide; p-values are corrected for looking at all of these groups."))
    what = [f"{words.dimension(row.dimension)}: {row.group}" for row in _rows(table)]
    _differences(table.assign(what=what, metric=study.primary_metric), _("Group"), arms)
    take.numbers(table, f"{study.slug}-groups")


def _differences(table: pd.DataFrame, first: str, arms: Arms) -> None:
    shown: list[dict[str, Any]] = [
        {
            first: row.what,
            _("Arm"): arms[str(row.arm)],
            _("Difference"): figures.signed(row.value, row.metric),
            _("Interval (95 %)"): figures.between(row, row.metric),
            _("n"): row.n,
            _("p, corrected"): "-" if pd.isna(row.p_adjusted) else format(row.p_adjusted, ".2g"),
            _("Verdict"): words.verdict(str(row.verdict)),
        }
        for row in _rows(table)
    ]
    st.dataframe(shown, hide_index=True)


def _rows(table: pd.DataFrame) -> list[Any]:
    """Rows with their columns as attributes."""
    return list(table.itertuples())


def _running(found: experiment.Experiment, study: Study) -> None:
    """How a pilot that still runs may be looked at."""
    there = min(found.people.values(), default=0)
    if found.running:
        text = _(
            "Still running: {n} of {planned} people per arm. The interval stays valid however often you look, so it is "
            "wider; when it decides, you may stop."
        )
        st.info(text.format(n=there, planned=study.planned_n), icon=":material/hourglass_top:")
    elif study.status in {"live", "paused"} and study.planned_n is None:
        text = _(
            "No sample size was planned. Checking repeatedly and stopping when the result looks good finds "
            "differences that are only noise; decide once, at the end. In the next study, plan a number."
        )
        st.caption(text)
