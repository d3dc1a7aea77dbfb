"""What people do with the recommendations: clicks, purchases, how well lists were ordered, and what gets shown."""

import streamlit as st

from db.engine import read_session
from recux.insight import figures as stored
from recux.insight.small_groups import hide_small
from recux.ui import address, data, definitions, effects, figures, frame, take, words
from recux.ui.language import _

frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    found = stored.current(session, study, "recommendation")
last = hide_small(found, study.min_group, where=found["arm"] != "")
frame.heading(effects.headline(last, arms), study)
together = last[(last["arm"] == "") & last["value"].notna()]
if together.empty:
    frame.empty(_("No list was shown to anybody yet, or nobody reacted to one."), "people", _("Invite people"))
    st.stop()

known = list(together["metric"])
main = [metric for metric in ("ctr", "purchase_rate", "precision", "ndcg") if metric in known] or known[:4]
tiles = st.container(horizontal=True)
for metric in main:
    figures.tile(tiles, together[together["metric"] == metric].iloc[0])

metric = address.pick(_("Compare the arms by"), known, key="metric", names=words.metric) or known[0]
st.text(definitions.said(together.loc[together["metric"] == metric, "definition"].iloc[0]))
effects.by_arm(last, metric, arms)
if metric not in {"ctr", "purchase_rate"}:
    st.text(_("Figures of the order describe the shown lists only; they never decide which arm is better."))
take.numbers(last[["metric", "arm", "value", "ci_low", "ci_high", "n", "reason", "definition"]], "effect")

names = effects.names()
seen = address.choose(_("Look closer"), list(names), key="view", names=names.__getitem__)
effects.view(study, seen, metric, arms)

with st.expander(_("All figures, for everyone together")):
    shown = [
        {
            _("Figure"): words.metric(row["metric"]),
            _("Value"): figures.written(row["value"], row["metric"]),
            _("Interval (95 %) and n"): figures.interval(row, row["metric"]),
            _("Definition"): definitions.said(row["definition"]),
        }
        for _index, row in last[last["arm"] == ""].iterrows()
    ]
    st.dataframe(shown, hide_index=True)
