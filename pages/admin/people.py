"""Who takes part: how far they came, invite links, reminders, and answers that may not count."""

from recux.access.accounts import has_role
from recux.ui import address, frame
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
view = address.choose(_("What to see"), views, key="view", names=names.__getitem__, hidden=True)
if view == "progress":
    progress.show(study)
elif view == "care":
    care.show(me, study)
elif view == "remind":
    remind.show(me, study)
else:
    invite.show(me, study)
