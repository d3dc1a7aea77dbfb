"""The slate: what the person thinks of each item."""

import streamlit as st

from recux import templates
from recux.collect.slates import open_slate
from recux.errors import Conflict
from recux.ui import data, forms, visit
from recux.ui.language import _, language, plural

here = visit.enter("rate")
head = st.container()
try:
    shown = here.slate or open_slate(data.engine(), here.participant_id, period=here.here.period)
except Conflict:
    st.info(_("There is nothing to rate yet. Please come back later."))
    visit.foot()
    st.stop()
st.title(_("Recommended for you"), anchor=False)
if here.lists > 1:
    st.badge(_("List {n} of {count}").format(n=here.here.period, count=here.lists))
request = templates.load(here.study.domain).words(language()).rate
how = _("Rate each one with 1 to 5 stars. Everything is saved as you go.")
st.markdown(f"{request} {how}")
step = forms.rate(here, shown, head)

left = step.total - step.done
sure = left == 0 or st.session_state.get(forms.MISSING) == step.key
if sure and left:
    st.info(plural("{count} item has no rating yet.", "{count} items have no rating yet.", left))
label = _("Go on without rating them") if sure and left else _("Continue")
with st.container(horizontal=True):
    back = visit.can_go_back(here, step) and visit.button(_("Back"), "back")
    # Of one type throughout: another type is another element, and the keyboard's focus would be lost with the old one.
    on = visit.button(label, "go on", type="primary", width="stretch")
if on:
    if not sure:
        st.session_state[forms.MISSING] = step.key
        visit.heard()
        st.rerun()
    visit.go_past(here, step)
if back:
    visit.go_back(here, step)
visit.foot()
