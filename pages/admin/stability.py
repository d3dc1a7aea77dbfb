"""Whether the recommender is quick and reliable enough for what was promised."""

import streamlit as st

from db.engine import read_session
from recux import charts
from recux.insight import figures as stored
from recux.insight import stability
from recux.ui import data, figures, frame, words
from recux.ui.language import _
from recux.ui.plain import plain

frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    table = stored.current(session, study, "stability")

frame.heading(_("Is the recommender quick and reliable?"), study)
last = stored.newest(table)
together = last[(last["arm"] == "") & last["value"].notna()]
if together.empty:
    frame.empty(_("No request to the recommender was measured yet."), "import_data", _("Import requests"))
    st.stop()

metrics = [metric for metric in ("p50_ms", "p95_ms", "p99_ms", "failure_rate") if metric in set(last["metric"])]
for place, metric in zip(st.columns(len(metrics)), metrics, strict=True):
    figures.tile(place, last[(last["arm"] == "") & (last["metric"] == metric)].iloc[0])
for metric, target in study.objectives.items():
    rows = last[(last["metric"] == metric) & last["arm"].isin(list(arms)) & last["value"].notna()]
    broken = rows[rows["value"] > target]
    promise = f"{words.metric(metric)}: " + _("at most {target} was promised").format(
        target=figures.written(target, metric)
    )
    if broken.empty:
        st.success(f"{promise}. " + _("Every arm keeps it."), icon=":material/check:")
    else:
        found = [f"{arms[row.arm]} {figures.written(row.value, metric)}" for row in broken.itertuples()]
        st.error(
            plain(f"{promise}. " + _("Not kept by: {arms}").format(arms=", ".join(found))), icon=":material/error:"
        )

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
    promised = study.objectives.get(metric)
    st.altair_chart(charts.dots(rows, list(arms.values()), title=title, number=form, promised=promised))

if metric != "p99_ms":
    by = st.segmented_control(_("Over time"), ["hour", "day"], default="day", format_func=words.period, required=True)
    with read_session(data.engine()) as session:
        lines = stability.over_time(session, study, by=by)
    lines = lines[(lines["metric"] == metric) & lines["arm"].isin(list(arms))]
    lines = lines.assign(arm=lines["arm"].map(arms))
    objective = study.objectives.get(metric)
    st.altair_chart(charts.quantiles(lines, list(arms.values()), title=words.metric(metric), objective=objective))
