"""What leaves with you: the report, the data, decisions, and links for people without an account."""

import streamlit as st

from recux.access.accounts import has_role
from recux.ui import frame, taking
from recux.ui.language import _

me = frame.enter("viewer")
study = frame.chosen_study()
frame.heading(_("Take the results with you"), study)
taking.fresh_link()

left, right = st.columns(2, gap="large")
with left:
    st.subheader(_("The report"))
    taking.report(study)
with right:
    st.subheader(_("The data"))
    if has_role(me, "analyst"):
        taking.bundle(study, me)
    else:
        st.text(_("Analysts and admins can download the answers."))

st.subheader(_("Decisions"))
taking.decisions(study, me)

st.subheader(_("Links for people without an account"))
taking.links(study, me)
