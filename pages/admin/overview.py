"""How satisfied people are, in which arm, and whether it moves."""

import streamlit as st

from db.engine import read_session
from recux import charts
from recux.insight import figures as stored
from recux.insight import rounds
from recux.insight.documents import report_of
from recux.ui import data, figures, frame, words
from recux.ui.language import _, language

frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    table = stored.current(session, study, "satisfaction")
    now, newest = rounds.open_batch(session, study), rounds.latest(session, study)

frame.heading(_("How satisfied are people?"), study)
if table["value"].notna().sum() == 0:
    frame.empty(
        _("Nobody has answered yet. Invite people, or import ratings and answers."), "people", _("Invite people")
    )
    st.stop()

last = stored.newest(table)
together = last[last["arm"] == ""]
main = [metric for metric in ("nps", "csat", "mean_rating") if metric in set(together["metric"])]
for place, metric in zip(st.columns(len(main)), main, strict=True):
    figures.tile(place, together[together["metric"] == metric].iloc[0])

metrics = words.compared_by(last["metric"])
metric = st.segmented_control(
    _("Compare the arms by"),
    metrics,
    default=main[0],
    format_func=words.metric,
    required=True,
    key="metric",
    bind="query-params",
)
chosen = table[table["metric"] == metric]
form = figures.number_format(metric)
left, right = st.columns(2, gap="large")
with left:
    st.subheader(_("By arm, now"))
    rows = figures.labelled(chosen[chosen["round"] == last["round"].max()], metric, arms)
    if rows.empty:
        frame.empty(_("No arm has enough answers for an interval yet."))
    else:
        st.altair_chart(charts.dots(rows, list(arms.values()), title=words.metric(metric), number=form))
with right:
    st.subheader(_("Round by round"))
    rows = chosen[chosen["arm"].isin(list(arms)) & chosen["value"].notna()]
    rows = rows.assign(arm=rows["arm"].map(arms), when=rows["round"])
    if newest is None:
        frame.empty(_("The first round begins the curve."), "rounds", _("See the open batch"))
    else:
        chart = charts.trend(rows, list(arms.values()), title=words.metric(metric), x_title=_("Round"), number=form)
        st.altair_chart(chart)
st.text(chosen["definition"].iloc[-1])
as_of = _("As of round {n}").format(n=last["round"].max()) if newest else _("As of now, before the first round")
waiting = _("{n} newer ratings wait for the next round").format(n=f"{now.ratings:,}")
st.text(f"{_('Lines are 95 % intervals; people are the unit, never single ratings.')} {as_of}. {waiting}.")

st.download_button(
    _("Download the report (HTML)"),
    lambda: report_of(data.engine(), study, language()),
    f"{study.slug}.html",
    "text/html",
    on_click="ignore",
)
