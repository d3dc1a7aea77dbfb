"""What the study asks, and whether the person agrees."""

import streamlit as st

from db.engine import read_session, write_session
from db.tables import Participant
from recux.collect.consent import current_consent, decide, decision_of
from recux.ui import data, visit
from recux.ui.device import device
from recux.ui.language import _, language
from recux.ui.plain import plain

here = visit.enter("consent")
if here.next.name != "consent":
    visit.go_to(here.next)
with read_session(data.engine()) as session:
    text = current_consent(session, here.participant, language())
    declined = decision_of(session, here.participant) is False

st.title(_("Welcome"), anchor=False)
st.markdown(plain(text.text))
if declined:
    if here.participant.came_by == "panel":
        st.info(_("You chose not to take part. You can still change your mind here."))
        st.markdown(_("Please give your place back on the page of your panel, so that somebody else can have it."))
    else:
        st.info(_("You chose not to take part. You do not need to do anything. You can still change your mind here."))
agree = visit.button(_("I agree and take part"), "agree", type="primary", width="stretch")
decline = not declined and visit.button(_("No, thank you"), "decline", width="stretch")
if agree or decline:
    with write_session(data.engine()) as session:
        person = session.get_one(Participant, here.participant_id)
        decide(session, person, text, given=agree)
        if agree and person.language is None:
            person.language = language()  # what is made for the person speaks it, too
        if agree and (kind := device()):
            person.attributes = {"device": kind, **person.attributes}
    if agree:
        visit.go_to_next()
    visit.heard()
    st.rerun()
visit.foot()
