"""How satisfied people are, in which group, and whether it moves."""

from functools import partial

import pandas as pd
import streamlit as st

from db.engine import read_session
from recux.insight import cuts, rounds, satisfaction
from recux.insight.documents import report_of
from recux.spreadsheet import csv_of
from recux.ui import address, data, frame, words, worker
from recux.ui.language import _, language
from recux.ui.overview import compare, cut, tiles

frame.enter("viewer")
study = frame.chosen_study()
frame.heading(_("How satisfied are people?"), study)
top = st.container()
with read_session(data.engine()) as session:
    arms, known = frame.arm_titles(session, study), cuts.choices(session, study)
    view = cut.ask(arms, known)
    waiting, done = rounds.open_batch(session, study), rounds.last_done(session, study)
    newest = rounds.latest(session, study)
    at = None
    if view.is_stored:
        table, changes = satisfaction.stored(session, study), satisfaction.changes(session, study)
    else:
        (table, at), changes = view.now(session, study), pd.DataFrame()

with top:
    worker.warn_if_down(newest, waits=waiting.share >= 1)
everyone = table[table["group"] == ""]
if everyone["value"].notna().sum() == 0:
    if view.cut.is_all:
        frame.empty(_("Nobody has answered yet. Invite people, or import ratings and answers."), "people", _("Invite"))
    else:
        frame.empty(_("Nothing to show for this filter: nobody answered, or so few that they could be recognised."))
    st.stop()
metrics = words.compared_by(everyone["metric"], together=view.together)
with top:
    if moved := tiles.headline(changes, study.primary_metric):
        st.subheader(moved)
    tiles.show(everyone, changes, metrics, tiles.Rows(partial(view.behind, study), partial(view.all_behind, study)))

usable = [metric for metric in metrics if view.by != "category" or metric in satisfaction.OF_RATINGS]
metric = address.choose(_("Compare by"), usable, key="metric", names=words.short)
names = compare.names_of(table, arms, view.by)
left, right = st.columns(2, gap="large")
with left:
    st.subheader(words.by(view.by))
    rows = table[(table["metric"] == metric) & (table["group"] != "")]
    compare.beside(rows, view.spread(study, metric), metric, names)
with right:
    st.subheader(words.trend(view.period))
    compare.over_time(view.trend(study, metric), metric, names, view.period)
st.text(words.as_of(done if view.is_stored else None, waiting.ratings))
if at is not None:
    frame.as_of(at)
with st.container(horizontal=True):
    st.download_button(_("Download these figures (CSV)"), csv_of(table), f"{study.slug}-figures.csv", "text/csv")
    report = partial(report_of, data.engine(), study, language())
    st.download_button(_("Download the report (HTML)"), report, f"{study.slug}.html", "text/html")
