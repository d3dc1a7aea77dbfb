"""Who may sign in, as what, and what they changed."""

import pandas as pd
import streamlit as st

from db.engine import read_session, write_session
from recux.access import accounts, audit
from recux.errors import RecuxError
from recux.spreadsheet import safe_cell
from recux.ui import data, frame, words
from recux.ui.language import _
from recux.ui.plain import plain

me = frame.enter("admin")
with read_session(data.engine()) as session:
    users, entries = accounts.list_users(session), audit.latest(session)
able = [user for user in users if user.disabled_at is None]
roles = {
    "viewer": _("Viewer: reads"),
    "analyst": _("Analyst: also runs rounds and decides"),
    "admin": _("Admin: also sets up"),
}

frame.heading(_("{n} people can sign in").format(n=len(able)) if len(able) != 1 else _("Only you can sign in"))
st.dataframe(
    pd.DataFrame({"e": [u.email for u in users], "r": [roles[u.role] for u in users], "o": [u in able for u in users]}),
    column_config={"e": _("E-mail"), "r": _("Role"), "o": st.column_config.CheckboxColumn(_("May sign in"))},
    hide_index=True,
)

add, change = st.columns(2, gap="large")
with add.form("add", clear_on_submit=False):
    st.subheader(_("Add someone"))
    email = st.text_input(_("E-mail"), placeholder="name@example.org")
    role = st.selectbox(_("Role"), list(roles), format_func=roles.__getitem__)
    password = st.text_input(_("First password (at least 10 characters)"), type="password", autocomplete="new-password")
    if st.form_submit_button(_("Add"), type="primary"):
        try:
            with write_session(data.engine()) as session:
                accounts.create_user(session, email, password, role, actor=me.email)
        except RecuxError as error:
            st.error(plain(str(error)))
        else:
            frame.done(_("{email} can sign in now.").format(email=email.strip().lower()))

others = [user.email for user in users if user.id != me.id]
with change.form("change"):
    st.subheader(_("Change an account"))
    acts = {
        "viewer": _("Make viewer"),
        "analyst": _("Make analyst"),
        "admin": _("Make admin"),
        "disable": _("Close the account and sign it out everywhere"),
        "enable": _("Open the account again"),
    }
    target = st.selectbox(_("Account"), others, index=None, placeholder=_("Choose"))
    act = st.selectbox(_("What"), list(acts), index=None, placeholder=_("Choose"), format_func=acts.__getitem__)
    if st.form_submit_button(_("Change"), disabled=not others) and target and act:
        with write_session(data.engine()) as session:
            if act in accounts.ROLES:
                accounts.change_role(session, target, act, actor=me.email)
            else:
                {"disable": accounts.disable_user, "enable": accounts.enable_user}[act](session, target, actor=me.email)
        frame.done(_("{email}: {act}.").format(email=target, act=acts[act].lower()))

st.subheader(_("What was changed"))
log = pd.DataFrame(
    [
        {
            "at": e.at,
            "who": e.actor,
            "what": e.action,
            "target": e.target,
            "details": ", ".join(f"{name}: {value}" for name, value in e.details.items()),
        }
        for e in entries
    ]
)
when = {"at": st.column_config.DatetimeColumn(_("When"), timezone=st.context.timezone)}
st.dataframe(log, hide_index=True, column_config=words.audit_columns() | when)
st.download_button(_("Download as CSV"), log.map(safe_cell).to_csv(index=False), "audit.csv", "text/csv")
