"""One questionnaire at a time."""

import streamlit as st

from db.engine import read_session, write_session
from db.tables import Participant
from recux.collect.responses import complete_response
from recux.errors import Conflict
from recux.instruments import in_language
from recux.questionnaires import shown_to
from recux.ui import data, forms, visit
from recux.ui.language import _, language

here = visit.enter("survey")
step = here.here
with read_session(data.engine()) as session:
    instrument = shown_to(session, here.participant, step.instrument)
head = st.container()
st.title(in_language(instrument.title, language()), anchor=False)
if step.instrument in here.study.per_list:
    which = _("About list {n} of {count}, which you have just seen")  # a badge would cut it off on a phone
    st.markdown(f"**{which.format(n=step.period, count=here.lists)}**")
now = forms.fill_in(here, instrument, head)

if st.session_state.get(forms.MISSING) == step.key and now.done < now.total:
    st.warning(_("Please answer every question, or choose “Prefer not to say”."))
with st.container(horizontal=True):
    back = visit.button(_("Back"), "back")
    go_on = visit.button(_("Continue"), "go on", type="primary", width="stretch")
if go_on:
    try:
        with write_session(data.engine()) as session:
            person = session.get_one(Participant, here.participant_id)
            complete_response(session, person, instrument, language=language(), wave=step.period)
    except Conflict:
        visit.heard()
        st.session_state[forms.MISSING] = step.key
        st.rerun()
    visit.go_on(step)
if back:
    visit.go_back(here, step)
visit.foot()
