"""What a study is and what it still needs, to be read."""

from typing import Literal

import pandas as pd
import streamlit as st

from db.engine import read_session
from db.tables import Study
from recux.insight import planning
from recux.insight.setup import Check, checklist
from recux.ui import data, figures, take, times, words
from recux.ui.language import _
from recux.ui.plain import plain

COLOURS: dict[str, Literal["gray", "green", "orange", "blue"]] = {
    "draft": "gray",
    "live": "green",
    "paused": "orange",
    "closed": "blue",
}


def summary(study: Study) -> bool:
    """Where the study stands, its checklist before the launch, its plan; returns whether it may be launched."""
    with read_session(data.engine()) as session:
        checks = checklist(session, study)
        plan = planning.plan(session, study)
    title, badge = st.columns([4, 2], vertical_alignment="center")
    title.subheader(plain(study.title))
    badge.badge(_state(study), color=COLOURS[study.status])
    st.text(f"{study.slug} · {words.domain(study.domain)}")
    ready = all(check.ok for check in checks if check.needed)
    if study.status == "draft":
        _to_do(checks, ready=ready)
    if plan is not None:
        _plan(plan)
    return ready


def table(known: list[Study]) -> None:
    """All studies there are, those that were put away last."""
    rows = [
        {
            _("Study"): study.title,
            _("Short name"): study.slug,
            _("Status"): _("put away") if study.archived_at else words.study_status(study.status),
            _("Launched"): study.launched_at,
            _("Closed"): study.closed_at,
        }
        for study in sorted(known, key=lambda one: one.archived_at is not None)
    ]
    when = {name: times.column(name) for name in (_("Launched"), _("Closed"))}
    found = pd.DataFrame(rows)
    st.dataframe(found, hide_index=True, column_config=when)
    take.numbers(found, "studies")


def _state(study: Study) -> str:
    if study.archived_at is not None:
        return _("put away")
    if study.soft_limit is not None:
        return _("soft launch: up to {n} people").format(n=study.soft_limit)
    return words.study_status(study.status)


def _to_do(checks: list[Check], *, ready: bool) -> None:
    title, needed = _("Ready to launch") if ready else _("Before the launch"), _("needed")
    st.markdown(f"**{title}**")
    for check in checks:
        mark = "check_circle" if check.ok else "error" if check.needed else "radio_button_unchecked"
        more = "" if check.ok or not check.needed else f" ({needed})"
        st.markdown(f":material/{mark}: {words.check(check.code, check.number)}{more}")


def _plan(plan: planning.Plan) -> None:
    """The smallest difference that can be seen, and what it would take to see one that matters."""
    said = _("With {n} people per arm, this pilot can see a difference of {effect} or more in {metric}.").format(
        n=f"{plan.n_per_arm:,}", effect=figures.written(plan.detectable, plan.metric), metric=words.short(plan.metric)
    )
    if plan.detectable > plan.margin:
        said += " " + _("The smallest difference that matters is {margin}; seeing it takes {n} people per arm.").format(
            margin=figures.written(plan.margin, plan.metric), n=f"{plan.needed:,}"
        )
    (st.info if plan.detectable > plan.margin else st.success)(plain(said), icon=":material/visibility:")
    sources = {
        "own": _("this study's {n} people so far").format(n=plan.sd_n),
        "typical": _("a typical value, because nobody has answered yet"),
    }
    source = sources.get(plan.sd_from) or _("{n} people of the earlier study {slug}").format(
        n=plan.sd_n, slug=plan.sd_from
    )
    many = _("planned") if plan.n_from == "planned" else _("in the study now")
    how = _("Found 80 times in 100 (level 5 %). Spread between people: {sd}, from {source}. People per arm: {many}.")
    st.caption(plain(how.format(sd=figures.written(plan.sd, plan.metric), source=source, many=many)))
