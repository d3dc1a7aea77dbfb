"""The buttons below a suggestion: accept, decline, in place."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from db.engine import write_session
from db.tables import Suggestion, User
from recux import suggest
from recux.errors import RecuxError
from recux.ui import data, frame
from recux.ui.language import _
from recux.ui.plain import plain

Act = Callable[..., Any]


def on(one: Suggestion, me: User) -> None:
    """What may be decided about a suggestion now."""
    if one.status == "proposed":
        yes, no, why = st.columns([1, 1, 4], vertical_alignment="bottom")
        reason = why.text_input(_("Reason, if you decline"), key=f"why-{one.id}")
        if yes.button(_("Accept"), key=f"yes-{one.id}", type="primary"):
            _do(one, me, suggest.accept, _("Accepted: its prediction is frozen now."))
        if no.button(_("Decline"), key=f"no-{one.id}"):
            _do(one, me, partial(suggest.decline, reason=reason), _("Declined."))
    if one.status in {"proposed", "accepted"} and one.predicted.get("trial"):
        label = _("Try it as an arm beside the old way, so that the next round can tell")
        if st.button(label, key=f"try-{one.id}"):
            _do(one, me, suggest.try_as_arm, _("There is a new arm; new participants are assigned to it, too."))
    if one.status == "accepted" and st.button(_("The change is in place"), key=f"done-{one.id}", type="primary"):
        _do(one, me, suggest.implement, _("Noted. The next round will judge it."))


def _do(one: Suggestion, me: User, act: Act, said: str) -> None:
    try:
        with write_session(data.engine()) as session:
            act(session, session.get_one(Suggestion, one.id), actor=me.email)
    except RecuxError as error:
        st.error(plain(str(error)))
        return
    frame.done(said)
