"""Whether the recommender is quick and reliable enough for what was promised, and what gave an alarm."""

import streamlit as st

from db.engine import read_session
from recux import charts
from recux.insight import stability
from recux.insight.kept import kept
from recux.ui import address, alarm, data, figures, frame, take, words
from recux.ui.language import _

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    last, alerts = stability.current(session, study), stability.alerts(session, study)

frame.heading(alarm.headline(study, last, arms, sum(one.closed_at is None for one in alerts)), study)
together = last[(last["arm"] == "") & last["value"].notna()]
if together.empty:
    frame.empty(_("No request to the recommender was measured yet."), "import_data", _("Import requests"))
    st.stop()

metrics = [metric for metric in ("p95_ms", "p50_ms", "p99_ms", "failure_rate") if metric in set(last["metric"])]
tiles = st.container(horizontal=True)
for metric in metrics:
    figures.tile(tiles, last[(last["arm"] == "") & (last["metric"] == metric)].iloc[0])
alarm.promises(study, last, arms)
alarm.open_alerts(study, alerts, arms, me)

metric = address.choose(_("Compare the arms by"), metrics, key="metric", names=words.metric)
left, right = st.columns(2, gap="large")
with left:
    rows = figures.labelled(last[last["metric"] == metric], metric, arms)
    if rows.empty:
        frame.empty(_("No arm has enough requests for an interval yet."))
    else:
        title, form = words.metric(metric), figures.number_format(metric)
        promised = study.objectives.get(metric)
        st.altair_chart(charts.dots(rows, list(arms.values()), title=title, number=form, promised=promised))
        take.numbers(last, "stability")
with right:
    by = address.choose(_("Over time"), ["day", "hour"], key="by", names=words.period)
    with read_session(data.engine()) as session:
        past = kept(session, study, stability.past, by).value
    lines = past.lines[(past.lines["metric"] == metric) & past.lines["arm"].isin(list(arms))]
    if lines.empty:
        st.text(_("The slowest 1 % has too few calls per hour or day to draw a line."))
    else:
        lines = lines.assign(arm=lines["arm"].map(arms))
        promised = study.objectives.get(metric)
        st.altair_chart(charts.quantiles(lines, list(arms.values()), title=words.metric(metric), objective=promised))
        take.numbers(lines, "stability-over-time")
alarm.unusual(past.unusual)
alarm.budgets(study, arms)
alarm.panel(study, alerts, arms, me)
