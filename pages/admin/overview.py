"""How satisfied people are, in which arm, and whether it moves."""

import streamlit as st

from db.engine import read_session
from recux import charts
from recux.insight import figures as stored
from recux.insight import rounds
from recux.ui import data, figures, frame, words
from recux.ui.language import _

frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    table = stored.stored(session, study, "satisfaction")
    now, newest = rounds.open_batch(session, study), rounds.latest(session, study)

frame.heading(_("How satisfied are people?"), study)
if table.empty:
    frame.empty(
        _("No figures yet: the first round computes them. So far there are {r} ratings and {a} answers.").format(
            r=now.ratings, a=now.answers
        ),
        "rounds" if now.ratings else "people",
        _("Close the batch and start the first round") if now.ratings else _("Invite people"),
    )
    st.stop()

last = stored.newest(table)
together = last[last["arm"] == ""]
main = [metric for metric in ("nps", "csat", "mean_rating") if metric in set(together["metric"])]
for place, metric in zip(st.columns(len(main)), main, strict=True):
    figures.tile(place, together[together["metric"] == metric].iloc[0])

metrics = list(dict.fromkeys(last["metric"]))
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
    if rows.empty:
        frame.empty(_("Nothing to draw yet."))
    else:
        chart = charts.trend(rows, list(arms.values()), title=words.metric(metric), x_title=_("Round"), number=form)
        st.altair_chart(chart)
st.text(chosen["definition"].iloc[-1])
st.text(
    _("Lines are 95 % intervals; people are the unit, never single ratings. As of round {n}.").format(
        n=last["round"].max()
    )
)
