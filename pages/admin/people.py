"""Who takes part: how far they came, invite links, reminders, and answers that may not count."""

import streamlit as st

from recux.access.accounts import has_role
from recux.ui import frame
from recux.ui.language import _
from recux.ui.people import care, invite, progress, remind

me = frame.enter("viewer")
study = frame.chosen_study()
frame.heading(_("People"), study)
names = {
    "progress": _("Progress"),
    "care": _("Careless answers"),
    "remind": _("Remind"),
    "invite": _("Invite"),
}
least = {"remind": "analyst", "invite": "admin"}
views = [view for view in names if has_role(me, least.get(view, "viewer"))]
view = st.segmented_control(
    _("What to see"), views, default="progress", format_func=names.__getitem__, required=True, key="view",
    bind="query-params", label_visibility="collapsed",
)  # fmt: skip
if view == "progress":
    progress.show(study)
elif view == "care":
    care.show(me, study)
elif view == "remind":
    remind.show(me, study)
else:
    invite.show(me, study)
