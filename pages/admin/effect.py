"""What people do with the recommendations: clicks, purchases, and how well the lists were ordered."""

import streamlit as st

from db.engine import read_session
from recux import charts
from recux.insight import figures as stored
from recux.ui import data, figures, frame, words
from recux.ui.language import _

frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    table = stored.current(session, study, "recommendation")

frame.heading(_("What do people do with the recommendations?"), study)
last = stored.newest(table)
together = last[(last["arm"] == "") & last["value"].notna()]
if together.empty:
    frame.empty(_("No list was shown to anybody yet, or nobody reacted to one."), "people", _("Invite people"))
    st.stop()

known = list(together["metric"])
main = [metric for metric in ("ctr", "purchase_rate", "precision", "ndcg") if metric in known] or known[:4]
for place, metric in zip(st.columns(len(main)), main, strict=True):
    figures.tile(place, together[together["metric"] == metric].iloc[0])

metric = st.selectbox(_("Compare the arms by"), known, format_func=words.metric, key="metric", bind="query-params")
rows = figures.labelled(last[last["metric"] == metric], metric, arms)
st.text(together.loc[together["metric"] == metric, "definition"].iloc[0])
if rows.empty:
    frame.empty(_("No arm has enough of it for an interval yet."))
else:
    title, form = words.metric(metric), figures.number_format(metric)
    st.altair_chart(charts.dots(rows, list(arms.values()), title=title, number=form))
if metric not in {"ctr", "purchase_rate"}:
    st.text(_("Figures of the order describe the shown lists only; they never decide which arm is better."))

with st.expander(_("All figures, for everyone together")):
    shown = [
        {
            _("Figure"): words.metric(row["metric"]),
            _("Value"): figures.written(row["value"], row["metric"]),
            _("Interval (95 %) and n"): figures.interval(row, row["metric"]),
            _("Definition"): row["definition"],
        }
        for _index, row in last[last["arm"] == ""].iterrows()
    ]
    st.dataframe(shown, hide_index=True)
