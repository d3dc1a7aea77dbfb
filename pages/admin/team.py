"""Who may sign in, as what, and what they changed."""

import pandas as pd
import streamlit as st

from db.engine import read_session
from recux.access import accounts
from recux.ui import data, frame, team, words
from recux.ui.language import _

me = frame.enter("admin")
with read_session(data.engine()) as session:
    users = accounts.list_users(session)
able = [user for user in users if user.disabled_at is None]
frame.heading(_("{n} people can sign in").format(n=len(able)) if len(able) != 1 else _("Only you can sign in"))
st.dataframe(
    pd.DataFrame(
        {"e": [u.email for u in users], "r": [words.role(u.role) for u in users], "o": [u in able for u in users]}
    ),
    column_config={"e": _("E-mail"), "r": _("Role"), "o": st.column_config.CheckboxColumn(_("May sign in"))},
    hide_index=True,
)
left, right = st.columns(2, gap="large")
with left:
    team.add(me)
with right:
    team.change(me, [user.email for user in users if user.id != me.id])
team.log()
