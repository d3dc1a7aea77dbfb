"""What to change next, on what evidence, and what it should bring."""

import streamlit as st

from db.engine import read_session
from recux.access.accounts import has_role
from recux.insight import suggestions
from recux.ui import data, decide, figures, frame, words
from recux.ui.language import _
from recux.ui.plain import plain

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    found = suggestions.board(session, study)
frame.heading(_("What should change next?"), study)
if not found:
    none = _(
        "No suggestion yet. A round makes one only where the evidence is strong; to have none is a good sign, too."
    )
    frame.empty(none, "rounds", _("See the rounds"))

for one in found:
    with st.container(border=True):
        st.subheader(plain(words.said(one.title)))
        st.badge(words.suggestion_status(one.status, one.verdict), color="blue" if one.status == "proposed" else "gray")
        st.markdown(f"**{_('Do')}**: {plain(words.said(one.change))}")
        seen, hoped = st.columns(2)
        figures.claim(seen, _("What was seen"), one.figure, one.metric)
        promise = _("Promised, and judged by round {n}").format(n=one.judged_in_round)
        figures.claim(hoped, promise, one.predicted, one.metric)
        with st.expander(_("Evidence, and what speaks against it")):
            for text in one.against:
                st.markdown(f":material/warning: {plain(words.said(text))}")
            st.text(words.evidence(one))
            with read_session(data.engine()) as session:
                said = suggestions.quotes(session, one)
            if not said.empty:
                st.dataframe(said, hide_index=True, column_config=words.quote_columns())
        if has_role(me, "analyst"):
            decide.on(one, me)
