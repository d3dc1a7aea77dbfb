"""What to change next, on what evidence, what it should bring, and how good the suggestions have been."""

import pandas as pd
import streamlit as st

from db.engine import read_session
from recux.insight import suggestions
from recux.ui import data, decide, frame, suggested, suggestion, take
from recux.ui.language import _

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    found = suggestions.board(session, study)
    cards = suggestions.cards(session, study)
    arms = frame.arm_titles(session, study)
frame.heading(_("What should change next?"), study)
if not found:
    frame.empty(suggested.nothing("decide"), "rounds", _("See the rounds"))
    st.stop()

groups = {name: [one for one in found if suggested.group_of(one) == name] for name in suggested.GROUPS}
decided = st.session_state.pop(decide.FOLLOW, None)
asked = next((one for one in found if str(one.id) == str(decided or st.query_params.get("suggestion"))), None)
if decided or suggested.SHOW not in st.session_state:
    st.session_state[suggested.SHOW] = suggested.first_group(groups, asked, st.query_params.get(suggested.SHOW))
group = st.segmented_control(
    _("Show"),
    list(groups),
    format_func=lambda name: suggested.group_name(name, len(groups[name])),
    required=True,
    key=suggested.SHOW,
    label_visibility="collapsed",
)
st.query_params[suggested.SHOW] = group
shown = groups[group]
if not shown:
    frame.empty(suggested.nothing(group))
else:
    first = asked if asked in shown else shown[0]
    suggestion.card(first, me, arms)
    others = [(place, one) for place, one in enumerate(shown, 1) if one is not first]
    if others:
        st.subheader(_("The others here"))
    for place, one in others:
        suggestion.line(one, place)

st.subheader(_("How good have the suggestions been?"))
st.text(
    _("Only what was judged beside a concurrent control counts. Effects are in units of the smallest one worth having.")
)
scores = pd.DataFrame([suggested.score_row(card) for card in cards])
st.dataframe(scores, hide_index=True)
take.numbers(scores, "suggestion-scores")
