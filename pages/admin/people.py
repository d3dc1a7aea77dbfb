"""Who takes part: the way from invite to the end, and new invite links."""

import pandas as pd
import streamlit as st

from db.engine import read_session, write_session
from recux import charts
from recux.access import audit, invites
from recux.access.accounts import has_role
from recux.collect.studies import get_study
from recux.insight import data_quality, people
from recux.ui import data, frame, words
from recux.ui.language import _

LINKS = "_invite_links"

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    funnel = people.funnel(session, study)
frame.heading(_("People"), study)
total = funnel["people"].iloc[0]
if total:
    share = funnel["people"] / total
    step = [f"{words.steps()[s]}|{n:,} ({part:.0%})" for s, n, part in zip(*funnel.T.to_numpy(), share, strict=True)]
    drawn = funnel.assign(step=step)
    st.altair_chart(charts.funnel(drawn, title=_("People")))
else:
    frame.empty(_("Nobody is in the study yet. Make invite links below, or import participants."))

if total and st.toggle(_("Look for answers that were given without care"), key="care", bind="query-params"):
    with read_session(data.engine()) as session:
        quality = data_quality.summary(session, study)
    st.text(_("Flagged answers stay in every figure unless a page leaves them out."))
    st.dataframe(quality.flagged, hide_index=True, column_config=words.flag_columns())
    if not quality.people.empty:
        st.dataframe(quality.people, hide_index=True, column_config=words.flag_columns())

if has_role(me, "admin"):
    st.subheader(_("Invite"))
    with st.form("invite"):
        count = st.number_input(_("How many new people"), 1, 5000, 20)
        names = st.text_area(_("Or these participant ids, one a line"))
        test = st.checkbox(_("Test participants: they may look before the launch, and their answers never count"))
        made = st.form_submit_button(_("Make invite links"), type="primary")
    if made:
        ids = [line.strip() for line in names.splitlines() if line.strip()]
        with write_session(data.engine()) as session:
            who = {"participant_ids": ids} if ids else {"count": int(count)}
            new = invites.create_invites(session, get_study(session, study.slug), test=test, **who)
            audit.record(session, actor=me.email, action="invite.create", target=study.slug, count=len(new), test=test)
        base = data.settings().base_url
        rows = [(invite.participant_id, f"{base}/join/{invite.token}") for invite in new]
        st.session_state[LINKS] = (study.slug, pd.DataFrame(rows, columns=["participant_id", "link"]))
    slug, table = st.session_state.get(LINKS, ("", None))
    if slug == study.slug:
        st.warning(_("Save these links now: only a fingerprint of each is kept, so they cannot be shown again."))
        st.dataframe(table, hide_index=True)
        st.download_button(_("Download as CSV"), table.to_csv(index=False), f"invites-{slug}.csv", "text/csv")
