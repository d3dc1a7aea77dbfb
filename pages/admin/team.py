"""Who may sign in, as what, and what they changed."""

import pandas as pd
import streamlit as st

from db.engine import read_session
from recux.access import accounts
from recux.ui import data, frame, take, team, words
from recux.ui.language import _

me = frame.enter("admin")
with read_session(data.engine()) as session:
    users = accounts.list_users(session)
able = [user for user in users if user.disabled_at is None]
frame.heading(_("{n} people can sign in").format(n=len(able)) if len(able) != 1 else _("Only you can sign in"))
table = pd.DataFrame(
    {"email": [u.email for u in users], "role": [u.role for u in users], "open": [u in able for u in users]}
)
st.dataframe(
    table.assign(role=table["role"].map(words.role)),
    column_config={
        "email": _("E-mail"), "role": _("Role"), "open": st.column_config.CheckboxColumn(_("May sign in")),
    },
    hide_index=True,
)  # fmt: skip
take.numbers(table, "accounts")
left, right = st.columns(2, gap="large")
with left:
    team.add(me)
with right:
    team.change(me, [user.email for user in users if user.id != me.id])
team.log()
