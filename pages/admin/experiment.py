"""Which arm is better, by how much, and how sure that is."""

import streamlit as st

from db.engine import read_session
from recux.insight import experiment
from recux.insight.kept import kept
from recux.spreadsheet import csv_of
from recux.ui import data, frame, verdicts
from recux.ui.language import _

frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    kept_ = kept(session, study, experiment.now) if len(arms) > 1 else None
frame.heading(_("Which arm is better?"), study)
if kept_ is None:
    frame.empty(
        _("This study has one arm, so there is nothing to compare."), "studies", _("Set up a study with two arms")
    )
    st.stop()
found = kept_.value
frame.as_of(kept_.at)
if found.split.ok is False:
    st.error(
        _("People are not split between the arms as planned, so nothing below can be trusted. First find out why.")
    )
verdicts.decides(found, study, arms)
verdicts.split(found, arms)
if max(found.people.values(), default=0) == 0:
    frame.empty(
        _("Nobody has given the answer that decides yet. Invite people, or import answers."), "people", _("Invite")
    )
    st.stop()
verdicts.guardrails(found, arms)
verdicts.others([one for one in found.comparisons if not one.primary], arms)
verdicts.segments(found.segments, study, arms)
content = csv_of(experiment.table(found.comparisons))
st.download_button(_("Download these figures (CSV)"), content, f"{study.slug}-experiment.csv", "text/csv")
