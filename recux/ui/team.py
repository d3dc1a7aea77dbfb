"""The accounts of a team and the log of what they changed."""

import csv
import io
import json

import pandas as pd
import streamlit as st

from db.engine import read_session, write_session
from db.tables import Audit, User
from recux.access import accounts, audit, oidc
from recux.errors import RecuxError
from recux.spreadsheet import safe_cell
from recux.ui import data, frame, problems, times, words
from recux.ui.language import _

LOG_COLUMNS = ("at", "who", "what", "target", "details")


def add(me: User) -> None:
    """The form for a new account."""
    by_provider = oidc.is_on(data.settings())
    hint = _("First password (empty: only by the identity provider)") if by_provider else ""
    with st.form("add", clear_on_submit=False):
        st.subheader(_("Add someone"))
        email = st.text_input(_("E-mail"), placeholder="name@example.org")
        role = st.selectbox(_("Role"), list(accounts.ROLES), format_func=words.role)
        password = st.text_input(
            hint or _("First password (at least 10 characters)"), type="password", autocomplete="new-password"
        )
        if not st.form_submit_button(_("Add"), type="primary"):
            return
    try:
        with write_session(data.engine()) as session:
            accounts.create_user(session, email, password or None if by_provider else password, role, actor=me.email)
    except RecuxError as error:
        st.error(problems.said(error))
    else:
        frame.done(_("{email} can sign in now.").format(email=email.strip().lower()))


def change(me: User, others: list[str]) -> None:
    """The form to give an account another role, to close it or to open it again."""
    acts = {
        "viewer": _("Make viewer"),
        "analyst": _("Make analyst"),
        "admin": _("Make admin"),
        "password": _("Set a new password and sign it out everywhere"),
        "disable": _("Close the account and sign it out everywhere"),
        "enable": _("Open the account again"),
    }
    with st.form("change"):
        st.subheader(_("Change an account"))
        target = st.selectbox(_("Account"), others, index=None, placeholder=_("Choose"))
        act = st.selectbox(_("What"), list(acts), index=None, placeholder=_("Choose"), format_func=acts.__getitem__)
        new = st.text_input(_("New password (only to set one)"), type="password", autocomplete="new-password")
        if not (st.form_submit_button(_("Change"), disabled=not others) and target and act):
            return
    try:
        with write_session(data.engine()) as session:
            if act in accounts.ROLES:
                accounts.change_role(session, target, act, actor=me.email)
            elif act == "password":
                accounts.set_password(session, target, new, actor=me.email)
            else:
                {"disable": accounts.disable_user, "enable": accounts.enable_user}[act](session, target, actor=me.email)
    except RecuxError as error:
        st.error(problems.said(error))
    else:
        frame.done(_("{email}: {act}.").format(email=target, act=acts[act].lower()))


def log() -> None:
    """The newest changes, to be searched, and all of them to take away."""
    st.subheader(_("What was changed"))
    about = st.text_input(_("Search by person, action or study"), key="log", bind="query-params")
    with read_session(data.engine()) as session:
        entries = audit.latest(session, about=about.strip())
    table = pd.DataFrame([_entry(one) for one in entries], columns=list(LOG_COLUMNS))
    when = {"at": times.column(_("When"))}
    if table.empty:
        frame.empty(_("Nothing was changed yet.") if not about else _("No entry contains these words."))
    else:
        st.dataframe(table, hide_index=True, column_config=words.audit_columns() | when)
    st.download_button(_("Download the whole log (CSV)"), log_csv, "audit.csv", "text/csv")


def log_csv() -> str:
    """Every entry, oldest first; cells cannot run as formulas."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(LOG_COLUMNS)
    with read_session(data.engine()) as session:
        for one in audit.every(session):
            cells = (one.at.isoformat(), one.actor, one.action, one.target, json.dumps(one.details, ensure_ascii=False))
            writer.writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()


def _entry(one: Audit) -> tuple[object, ...]:
    return one.at, one.actor, one.action, one.target, ", ".join(f"{k}: {v}" for k, v in one.details.items())
