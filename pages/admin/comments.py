"""What people say in their own words: about what, how they feel about it, and every comment itself."""

import streamlit as st

from db.engine import read_session, write_session
from recux.access import audit
from recux.access.accounts import has_role
from recux.insight import comments, themes
from recux.insight.kept import kept
from recux.ui import data, frame, remarks
from recux.ui.language import _

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    written, ratings, whys = kept(session, study, comments.written).value
    names, cohorts = comments.themes(session, study), comments.cohorts(session, study)
    tags = comments.tags_of(session, study)
    read = kept(session, study, themes.read).value
found = themes.overview(read, least=study.min_group)
frame.heading(remarks.headline(found, names), study)
if not written + whys:
    frame.empty(_("Nobody has written a comment yet."), "people", _("Invite people"))
    st.stop()
counted = _("{n} of {all} ratings come with a comment; {whys} answers say why.")
st.text(counted.format(n=f"{written:,}", all=f"{ratings:,}", whys=f"{whys:,}"))

if found.empty:
    frame.empty(_("Themes appear with the first round on two dozen comments or more."), "rounds", _("See the rounds"))
else:
    remarks.themes_panel(study, read, found, names, arms)

st.subheader(_("The comments themselves"))
wanted = remarks.filters(arms, cohorts, names, sorted(set(tags["tag"])))
raw = has_role(me, "admin") and st.toggle(_("Show e-mail addresses and long numbers that people wrote"))
if raw and not st.session_state.get(remarks.LOOKED):
    with write_session(data.engine()) as session:
        audit.record(session, actor=me.email, action="comments.raw", target=study.slug)
st.session_state[remarks.LOOKED] = raw
with read_session(data.engine()) as session:
    shown = comments.with_tags(comments.comments(session, study, wanted, raw=raw), tags)
if shown.empty:
    frame.empty(_("No comment matches. Try fewer words or all stars."))
    st.stop()
if (wanted.arm or wanted.cohort) and shown["person"].nunique() < study.min_group:
    frame.empty(_("Fewer than {n} people are left; so small a group is not shown.").format(n=study.min_group))
    st.stop()
remarks.table(study, shown, arms, names, me)
