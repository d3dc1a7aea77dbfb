"""What people say in their own words."""

import streamlit as st

from db.engine import read_session
from recux.access.accounts import has_role
from recux.insight import comments
from recux.spreadsheet import safe_cell
from recux.ui import data, frame
from recux.ui.language import _

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    written, ratings = comments.rated_with_comment(session, study)
frame.heading(_("What do people say?"), study)
if not written:
    frame.empty(_("Nobody has written a comment yet."), "people", _("Invite people"))
    st.stop()
st.text(_("{n} of {all} ratings come with a comment.").format(n=f"{written:,}", all=f"{ratings:,}"))

words_, arm_, stars_ = st.columns([3, 2, 2])
search = words_.text_input(_("Search"), key="search", bind="query-params", placeholder=_("Words that must occur"))
arm = arm_.selectbox(_("Arm"), list(arms), index=None, format_func=lambda k: arms[k], placeholder=_("All arms"))
low, high = stars_.select_slider(_("Stars"), [1, 2, 3, 4, 5], value=(1, 5))
raw = has_role(me, "admin") and st.toggle(_("Show e-mail addresses and long numbers that people wrote"))
with read_session(data.engine()) as session:
    found = comments.comments(session, study, search=search, arm=arm, stars=(low, high), raw=raw)

if found.empty:
    frame.empty(_("No comment fits. Try fewer words or all stars."))
    st.stop()
found["arm"] = found["arm"].map(arms)
columns = {
    "at": st.column_config.DatetimeColumn(_("When"), timezone=st.context.timezone, format="YYYY-MM-DD HH:mm"),
    "arm": _("Arm"),
    "cohort": _("Cohort"),
    "item": _("Item"),
    "category": _("Category"),
    "rating": st.column_config.NumberColumn(_("Stars"), format="%.0f"),
    "comment": st.column_config.TextColumn(_("Comment"), width="large"),
}
st.dataframe(
    found,
    hide_index=True,
    column_config=columns,
    column_order=["rating", "comment", "item", "arm", "cohort", "at"],
    height=520,
)
if len(found) == 500:
    st.text(_("These are the newest 500; search to see others."))
st.download_button(_("Download these as CSV"), found.map(safe_cell).to_csv(index=False), "comments.csv", "text/csv")
