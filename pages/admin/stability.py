"""Whether the recommender is quick and reliable enough for what was promised."""

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
    table = stored.stored(session, study, "stability")

frame.heading(_("Is the recommender quick and reliable?"), study)
last = stored.newest(table)
together = last[(last["arm"] == "") & last["value"].notna()]
if together.empty:
    frame.empty(_("No requests to the recommender were measured in a round yet."), "import_data", _("Import requests"))
    st.stop()

metrics = [metric for metric in ("p50_ms", "p95_ms", "p99_ms", "failure_rate") if metric in set(last["metric"])]
for place, metric in zip(st.columns(len(metrics)), metrics, strict=True):
    figures.tile(place, last[(last["arm"] == "") & (last["metric"] == metric)].iloc[0])
for metric, target in study.objectives.items():
    row = together[together["metric"] == metric]
    if row.empty:
        continue
    value, promised = figures.written(row["value"].iloc[0], metric), figures.written(target, metric)
    text = _("{metric}: {value}, promised at most {target}").format(
        metric=words.metric(metric), value=value, target=promised
    )
    (st.success if row["value"].iloc[0] <= target else st.error)(text)

metric = st.segmented_control(
    _("Compare the arms by"),
    metrics,
    default="p95_ms",
    format_func=words.metric,
    required=True,
    key="metric",
    bind="query-params",
)
rows = figures.labelled(last[last["metric"] == metric], metric, arms)
if rows.empty:
    frame.empty(_("No arm has enough requests for an interval yet."))
else:
    title, form = words.metric(metric), figures.number_format(metric)
    st.altair_chart(charts.dots(rows, list(arms.values()), title=title, number=form))
