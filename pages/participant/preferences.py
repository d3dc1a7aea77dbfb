"""What the person likes, so that the first list can be about it. All of it is optional."""

import streamlit as st

from recux.ui import picking, visit
from recux.ui.language import _, plural

here = visit.enter("preferences")
visit.progress(here)
st.title(_("What do you like?"), anchor=False)
st.markdown(_("Pick as much as you want, or nothing at all. It helps to choose what you will be shown."))
picking.pick_topics(here)
picking.pick_items(here)
made = sum(one is not None for one in here.shown.values())
if 0 < made < here.lists:
    st.info(_("Your first list has already been made. Changes here count for the next one."))
elif made:
    st.info(
        plural(
            "Your list has already been made; changes here do not alter it.",
            "Your lists have already been made; changes here do not alter them.",
            made,
        )
    )
if visit.button(_("Continue"), "go on", type="primary", width="stretch"):
    visit.go_past(here, here.here)
visit.foot()
