"""How satisfied people are, in which arm, and whether it moves."""

import streamlit as st

from db.engine import read_session
from recux import charts
from recux.insight import figures as stored
from recux.insight import rounds, satisfaction
from recux.insight.documents import report_of
from recux.ui import data, figures, frame, words
from recux.ui.language import _, language

frame.enter("viewer")
study = frame.chosen_study()
frame.heading(_("How satisfied are people?"), study)
top = st.container()
controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
chosen = controls.container(width="content")
by = controls.segmented_control(
    _("Trend by"),
    ["round", "day", "week"],
    default="round",
    format_func=words.period,
    required=True,
    key="by",
    bind="query-params",
)
careful = controls.toggle(_("Without flagged answers"), key="careful", bind="query-params", width="content")
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    now = (
        satisfaction.now(session, study, without_flagged=True)
        if careful
        else stored.current(session, study, "satisfaction")
    )
    trend = satisfaction.trend(session, study, by=by, without_flagged=careful)
    waiting, done = rounds.open_batch(session, study), rounds.last_done(session, study)

if now["value"].notna().sum() == 0:
    frame.empty(
        _("Nobody has answered yet. Invite people, or import ratings and answers."), "people", _("Invite people")
    )
    st.stop()
last = now if careful else stored.newest(now)
together = last[last["arm"] == ""]
main = [metric for metric in ("nps", "csat", "mean_rating") if metric in set(together["metric"])]
with top:
    for place, metric in zip(st.columns(len(main)), main, strict=True):
        figures.tile(place, together[together["metric"] == metric].iloc[0])

metrics = words.compared_by(last["metric"])
metric = chosen.segmented_control(
    _("Compare the arms by"),
    metrics,
    default=main[0],
    format_func=words.short,
    required=True,
    key="metric",
    bind="query-params",
)
title, form, names = words.metric(metric), figures.number_format(metric), list(arms.values())
left, right = st.columns(2, gap="large")
with left:
    st.subheader(_("By arm"))
    rows = figures.labelled(last[last["metric"] == metric], metric, arms)
    if rows.empty:
        frame.empty(_("No arm has enough answers for an interval yet."))
    else:
        st.altair_chart(charts.dots(rows, names, title=title, number=form))
    if metric in {"nps", "csat"}:
        with read_session(data.engine()) as session:
            spread = satisfaction.answer_shares(session, study, metric)
        spread = spread.assign(arm=spread["arm"].map(arms), answer=spread["answer"].astype(int)).dropna(subset=["arm"])
        st.altair_chart(
            charts.shares(spread, names, title=_("Share of people"), x_title=_("Answer"), points=words.points(metric))
        )
with right:
    st.subheader(words.trend(by))
    rows = trend[(trend["metric"] == metric) & trend["arm"].isin(list(arms)) & trend["value"].notna()]
    if rows.empty:
        frame.empty(
            _("Nothing to draw yet: the first round begins the curve, or choose days."), "rounds", _("See the rounds")
        )
    else:
        rows = rows.assign(arm=rows["arm"].map(arms), when=rows["period"])
        st.altair_chart(charts.trend(rows, names, title=title, x_title=words.period(by), number=form))
st.text(together.loc[together["metric"] == metric, "definition"].iloc[0])
st.text(words.as_of(None if careful else done, waiting.ratings))
st.download_button(
    _("Download the report (HTML)"),
    lambda: report_of(data.engine(), study, language()),
    f"{study.slug}.html",
    "text/html",
)
