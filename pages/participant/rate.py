"""The slate: what the person thinks of each item."""

import streamlit as st

from db.engine import read_session
from recux.collect.slates import current_slate, open_slate
from recux.errors import Conflict
from recux.ui import data, forms, visit
from recux.ui.language import _, plural

UNRATED_ARE_FINE = "_unrated_are_fine"

here = visit.enter("rate")
step = here.way[1]
head = st.container()
try:
    shown = open_slate(data.engine(), here.participant_id)
except Conflict:
    st.info(_("There is nothing to rate yet. Please come back later."))
    visit.foot()
    st.stop()
forms.rate(here, shown)

with head:
    visit.progress(here)
    st.title(_("Recommended for you"))
    st.markdown(_("How do you like each of these? Rate them with 1 to 5 stars. Everything is saved as you go."))

with read_session(data.engine()) as session:
    now_shown = current_slate(session, here.participant) or shown
left = len(now_shown.cards) - now_shown.rated
sure = left == 0 or st.session_state.get(UNRATED_ARE_FINE, False)
if sure and left:
    st.info(plural("{count} item has no rating yet.", "{count} items have no rating yet.", left))
label = _("Go on without rating them") if sure and left else _("Continue")
if visit.button(label, "go on", type="secondary" if left else "primary", width="stretch"):
    if not sure:
        st.session_state[UNRATED_ARE_FINE] = True
        visit.heard()
        st.rerun()
    forms.begin_next(here, step)
    visit.go_on(here, step)
visit.foot()
