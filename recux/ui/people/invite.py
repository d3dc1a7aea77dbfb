"""Invite links: for a number of people, for a list from a file, or one open link for many."""

from typing import Any

import streamlit as st

from db.engine import read_session, write_session
from db.tables import Study, User
from recux.access import audit, invite_lists, invites, open_links
from recux.collect.studies import get_study
from recux.errors import RecuxError
from recux.ui import data, frame, problems
from recux.ui.language import _

LINKS = "_invite_links"
"""The links just made, as CSV, with the slug of their study."""
OPEN = "_open_link"


def show(me: User, study: Study) -> None:
    """The ways to bring people in, and the links just made."""
    if study.status == "draft":
        st.info(_("Links work from the launch on. Test participants may look before."))
    kept(study)
    left, right = st.columns(2, gap="large")
    with left:
        _new_links(me, study)
    with right:
        _open_link(me, study)


def kept(study: Study) -> None:
    """The links that were just made, to be saved now."""
    slug, text = st.session_state.get(LINKS, ("", ""))
    if slug != study.slug:
        return
    st.warning(_("Save these links now: only a fingerprint of each is kept, so they cannot be shown again."))
    rows = [line.split(",", 1) for line in text.splitlines()[1:]]
    st.dataframe({"participant_id": [row[0] for row in rows], "link": [row[1] for row in rows]}, hide_index=True)
    st.download_button(_("Download as CSV"), text, f"invites-{slug}.csv", "text/csv", type="primary")


def _new_links(me: User, study: Study) -> None:
    st.subheader(_("Personal links"))
    with st.form("invite"):
        count = st.number_input(_("How many new people"), 1, 5000, 20)
        upload = st.file_uploader(
            _("Or a list (CSV): participant_id, and if wanted cohort, language, arm"), type="csv", key="invite-list"
        )
        test = st.checkbox(_("Test participants: they may look before the launch, and their answers never count"))
        made = st.form_submit_button(_("Make invite links"), type="primary")
    st.caption(_("Whoever is on the list and had a link gets a new one; the old one stops working."))
    if made:
        content = upload.getvalue() if upload else None
        act(me, study, "study.invite", lambda s, one: _made(s, one, int(count), content, test=test), test=test)


def _made(session: Any, study: Study, count: int, content: bytes | None, *, test: bool) -> list[invites.Invite]:
    if content is not None:
        return invite_lists.invite_list(session, study, invite_lists.read_list(content), test=test)
    return invites.create_invites(session, study, count=count, test=test)


def _open_link(me: User, study: Study) -> None:
    st.subheader(_("One open link"))
    st.write(_("For a poster, a newsletter or a panel: everybody uses the same link."))
    with read_session(data.engine()) as session:
        seats = open_links.seats(session, study)
    if study.open_hash is not None:
        st.text(
            _("{n} people joined through it; allowed: {cap}.").format(n=seats.taken, cap=seats.cap or _("any number"))
        )
    token = st.session_state.get(OPEN, {}).get(study.slug)
    if token:
        st.code(f"{data.settings().base_url}/join/{token}", language=None)
    cap = st.number_input(_("Maximum number of people (empty: any number)"), 1, 1_000_000, study.open_cap)
    told = _("The link that is on posters and in letters stops working; the new one is shown once.")
    if study.open_hash is None:
        wanted = st.button(_("Make the open link"))
    else:
        wanted = frame.sure(_("Replace it"), told, _("Replace the open link"))
    if wanted:
        secret = data.settings().secret_key
        try:
            with write_session(data.engine()) as session:
                here = get_study(session, study.slug)
                token = open_links.open_link(session, here, cap=int(cap) if cap else None, secret=secret)
                audit.record(session, actor=me.email, action="study.open_link", target=study.slug, cap=cap)
        except RecuxError as error:
            st.error(problems.said(error))
            return
        st.session_state.setdefault(OPEN, {})[study.slug] = token
        frame.done(_("The open link is below; it is shown only now."))
    told = _("Nobody new can join through it any more. This cannot be undone; people who joined stay in the study.")
    if study.open_hash is not None and frame.sure(_("End it"), told, _("End the open link")):
        with write_session(data.engine()) as session:
            open_links.revoke_open_link(session, get_study(session, study.slug))
            audit.record(session, actor=me.email, action="study.open_link.end", target=study.slug)
        frame.done(_("The open link has ended; people who joined stay in the study."))


def act(me: User, study: Study, action: str, make: Any, **details: Any) -> None:
    """Make links in one transaction with their audit entry, and keep them for this session to be saved."""
    try:
        with write_session(data.engine()) as session:
            made = make(session, get_study(session, study.slug))
            audit.record(session, actor=me.email, action=action, target=study.slug, people=len(made), **details)
    except RecuxError as error:
        st.error(problems.said(error))
        return
    st.session_state[LINKS] = (study.slug, invite_lists.to_csv(made, data.settings().base_url))
    frame.done(_("{n} links are ready.").format(n=len(made)))
