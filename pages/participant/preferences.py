"""What the person likes, so that the first list can be about it. All of it is optional."""

import streamlit as st

from recux.ui import picking, visit
from recux.ui.language import _

here = visit.enter("preferences")
visit.progress(here)
st.title(_("What do you like?"), anchor=False)
st.markdown(_("Pick as much as you want, or nothing at all. It helps to choose what you will be shown."))
picking.pick_topics(here)
picking.pick_items(here)
if any(here.shown.values()):
    st.info(_("Your list was made already. What you change here counts for later ones."))
if visit.button(_("Continue"), "go on", type="primary", width="stretch"):
    visit.go_past(here, here.here)
visit.foot()
