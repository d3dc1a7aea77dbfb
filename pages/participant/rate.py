"""The slate: what the person thinks of each item."""

import streamlit as st

from recux.collect.slates import open_slate
from recux.errors import Conflict
from recux.ui import data, forms, visit
from recux.ui.language import _, plural

UNRATED_ARE_FINE = "_unrated_are_fine"

here = visit.enter("rate")
head = st.container()
try:
    shown = here.shown or open_slate(data.engine(), here.participant_id)
except Conflict:
    st.info(_("There is nothing to rate yet. Please come back later."))
    visit.foot()
    st.stop()
step = forms.rate(here, shown)

with head:
    visit.progress(here, step)
    st.title(_("Recommended for you"))
    st.markdown(_("How do you like each of these? Rate them with 1 to 5 stars. Everything is saved as you go."))

left = step.total - step.done
sure = left == 0 or st.session_state.get(UNRATED_ARE_FINE, False)
if sure and left:
    st.info(plural("{count} item has no rating yet.", "{count} items have no rating yet.", left))
label = _("Go on without rating them") if sure and left else _("Continue")
if visit.button(label, "go on", type="secondary" if left else "primary", width="stretch"):
    if not sure:
        st.session_state[UNRATED_ARE_FINE] = True
        visit.heard()
        st.rerun()
    forms.begin_next(here)
    visit.go_on(here, step)
visit.foot()
