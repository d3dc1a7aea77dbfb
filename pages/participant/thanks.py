"""The end of the way."""

import streamlit as st

from db.engine import write_session
from db.tables import Participant
from recux.collect.progress import finish
from recux.ui import data, farewell, visit
from recux.ui.language import _

here = visit.enter("thanks")
with write_session(data.engine()) as session:
    finish(session, session.get_one(Participant, here.participant_id))

visit.progress(here)
st.title(_("Thank you!"), anchor=False)
st.markdown(_("That was all. Your answers are saved, and they help to make the recommendations better."))
has_panel = farewell.back_to_panel(here)
farewell.debrief(here)
farewell.answers(here)
if not has_panel:
    st.markdown(
        _(
            "You can close this page. As long as the study runs, the same link brings you back if you want to change "
            "an answer."
        )
    )
if visit.button(_("Back"), "back"):
    visit.go_back(here, here.way[-1])
visit.foot()
