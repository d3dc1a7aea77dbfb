"""Set up a study: from a template of its domain, through a checklist, to its launch, and to its end."""

import streamlit as st

from db.engine import read_session
from recux.access.accounts import has_role
from recux.collect import studies
from recux.ui import data, frame
from recux.ui.language import _
from recux.ui.study import acts, form, view

me = frame.enter("viewer")
admin = has_role(me, "admin")
with read_session(data.engine()) as session:
    known = studies.list_studies(session)

frame.heading(_("Studies"))
if known:
    study = frame.chosen_study()
    ready = view.summary(study)
    if admin:
        acts.offer(me, study, ready=ready)
        with st.expander(_("Settings"), icon=":material/tune:", expanded=study.status == "draft"):
            form.edit(me, study)
if admin:
    with st.expander(_("Set up a new study"), icon=":material/add:", expanded=not known, key="new-study"):
        form.create(me)
if known:
    with st.expander(_("All studies ({n})").format(n=len(known)), icon=":material/list:"):
        view.table(known)
elif not admin:
    frame.empty(_("There is no study yet. An admin of your team can set one up."))
