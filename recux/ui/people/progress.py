"""How far people came, live; how the arms and cohorts fill."""

from typing import Any

import pandas as pd
import streamlit as st

from db.engine import read_session
from db.tables import Study
from recux import charts
from recux.evaluation.experiment import Split
from recux.insight import people
from recux.insight.kept import kept
from recux.ui import data, frame, take, words
from recux.ui.language import _
from recux.ui.plain import plain

EVERY = 10.0
"""Seconds between two looks while people can take part."""


def show(study: Study) -> None:
    """The way from invite to the end, looked at again while the study runs, then arms and cohorts."""
    every = EVERY if study.status == "live" else None
    st.fragment(_funnel, run_every=every)(study)
    with read_session(data.engine()) as session:
        arms = frame.arm_titles(session, study)
        balance, cohorts = (kept(session, study, one).value for one in (people.balance, people.cohorts))
        split = kept(session, study, people.split).value
    st.subheader(_("By arm"))
    _split(split, balance, arms)
    st.subheader(_("By cohort"))
    _by_cohort(study, cohorts)


def _by_cohort(study: Study, cohorts: pd.DataFrame) -> None:
    if cohorts["cohort"].eq("").all():
        frame.empty(_("Nobody has a cohort. Give one in the column cohort of an invite list or an import."))
        return
    small = cohorts["people"] < study.min_group
    named = cohorts[~small].replace({"cohort": {"": _("none")}})
    columns = {"cohort": _("Cohort"), "people": _("People"), "finished": _("Finished")}
    st.dataframe(named.rename(columns=columns), hide_index=True)
    take.numbers(named, "cohorts")
    if small.any():
        st.caption(_("Cohorts of fewer than {n} people are left out.").format(n=study.min_group))


def _funnel(study: Study) -> None:
    with read_session(data.engine()) as session:
        funnel = kept(session, study, people.funnel).value
    total = int(funnel["people"].iloc[0])
    if not total:
        frame.empty(_("Nobody is in the study yet. Make invite links, or import participants."))
        return
    finished = int(funnel["people"].iloc[-1])
    st.subheader(_("{n} of {all} have finished ({share})").format(
        n=f"{finished:,}", all=f"{total:,}", share=f"{finished / total:.0%}"
    ))  # fmt: skip
    st.altair_chart(charts.funnel(funnel.assign(step=_steps(funnel)), title=_("People")))
    take.numbers(funnel, "funnel")
    lost = funnel["people"].shift(1) - funnel["people"]
    worst = int(lost.fillna(0).to_numpy().argmax())
    if lost.iloc[worst] > 0:
        text = _("Most people are lost before “{step}”: {n} ({share} of those who came that far).")
        share = lost.iloc[worst] / funnel["people"].iloc[worst - 1]
        step = words.steps()[funnel["step"].iloc[worst]]
        st.text(text.format(step=step, n=f"{int(lost.iloc[worst]):,}", share=f"{share:.0%}"))


def _steps(funnel: pd.DataFrame) -> list[str]:
    """Each step with its people, their share of all, and how many were lost since the one before."""
    total, before = funnel["people"].iloc[0], funnel["people"].shift(1)
    said = []
    for step, n, earlier in zip(funnel["step"], funnel["people"], before, strict=True):
        gone = f", −{int(earlier - n):,}" if earlier > n else ""
        said.append(f"{words.steps()[step]}|{n:,} ({n / total:.0%}{gone})")
    return said


def _split(split: Split, balance: pd.DataFrame, arms: dict[str, str]) -> None:
    if split.ok is False:
        st.error(plain(_("People are not split as planned (p = {p}). First find out why.").format(p=f"{split.p:.2g}")))
    elif split.ok:
        st.text(_("No reason to doubt the split (p = {p}).").format(p=f"{split.p:.2g}"))
    planned = balance["weight"] / balance["weight"].sum() if balance["weight"].sum() else 0
    shown = balance.assign(arm=balance["arm"].map(arms), weight=planned)
    columns: dict[str, Any] = {
        "arm": _("Arm"),
        "weight": st.column_config.NumberColumn(_("Planned"), format="percent"),
        "people": _("People"),
        "opened": _("Opened"),
        "finished": _("Finished"),
        "rejected": _("Rejected"),
    }
    st.dataframe(shown, hide_index=True, column_config=columns)
    take.numbers(shown, "arms")
