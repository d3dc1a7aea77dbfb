"""What may be decided about a suggestion: accept, decline, try it, in place; its owner and its effort."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from db.engine import write_session
from db.tables import Suggestion, User
from recux import suggest
from recux.errors import RecuxError
from recux.ui import data, frame, problems, suggested
from recux.ui.language import _

Act = Callable[..., Any]
FOLLOW = "_suggestion"
"""Key of the suggestion that was just decided on: the board follows it to its new place."""


def on(one: Suggestion, me: User, arms: Mapping[str, str], owners: Sequence[str]) -> None:
    """What may be decided about a suggestion now."""
    if one.status in {"proposed", "accepted"}:
        row = st.container(horizontal=True, vertical_alignment="bottom")
        if one.status == "proposed" and row.button(_("Accept"), key=f"yes-{one.id}", type="primary"):
            _do(one, me, suggest.accept, _("Accepted: its prediction is frozen now."))
        if one.predicted.get("trial"):
            label, said = _("Try it as an arm"), _("There is a new arm; new participants are assigned to it, too.")
            told = _("Opens an arm with this change beside the old way, so that the next round can compare them.")
            if row.button(label, key=f"try-{one.id}", help=told, icon=":material/science:"):
                _do(one, me, suggest.try_as_arm, said)
        _decline(row, one, me)
        _plan(row, one, me, owners)
    if one.status == "accepted":
        _in_place(one, me, arms)


def _decline(row: Any, one: Suggestion, me: User) -> None:
    with row.popover(_("Decline")):
        reason = st.text_input(_("Why? Shown if the suggestion comes up again."), key=f"why-{one.id}")
        if st.button(_("Decline it"), key=f"no-{one.id}"):
            _do(one, me, partial(suggest.decline, reason=reason), _("Declined."))


def _plan(row: Any, one: Suggestion, me: User, owners: Sequence[str]) -> None:
    with row.popover(_("Owner and effort"), icon=":material/person:"):
        names = list(dict.fromkeys([*([one.owner] if one.owner else []), *owners]))
        index = names.index(one.owner) if one.owner else None
        owner: str | None = st.selectbox(_("Owner"), names, index=index, key=f"owner-{one.id}-{one.owner}")
        efforts = suggested.efforts() | ({} if one.effort in suggested.efforts() else {one.effort: f"{one.effort:g}"})
        effort = st.selectbox(
            _("How much work is it?"),
            list(efforts),
            index=list(efforts).index(one.effort),
            format_func=lambda value: efforts[value],
            key=f"effort-{one.id}-{one.effort}",
        )
        if owner != one.owner:
            _do(one, me, partial(suggest.assign, owner=owner), _("The owner is noted."))
        if effort != one.effort:
            _do(one, me, partial(suggest.set_effort, effort=effort), _("The effort is noted; the ranks follow it."))


def _in_place(one: Suggestion, me: User, arms: Mapping[str, str]) -> None:
    planned: str = (one.predicted.get("plan") or {}).get("arm") or ""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    arm = row.selectbox(
        _("Which arm carries the change?"),
        list(arms),
        index=list(arms).index(planned) if planned in arms else None,
        format_func=lambda key: arms[key],
        placeholder=_("All of them: then nothing can be confirmed"),
        key=f"arm-{one.id}",
    )
    note = row.text_input(_("What was done"), key=f"note-{one.id}")
    if row.button(_("The change is in place"), key=f"done-{one.id}", type="primary"):
        _do(one, me, partial(suggest.implement, arm=arm, note=note), _("Noted. The next round will judge it."))


def _do(one: Suggestion, me: User, act: Act, said: str) -> None:
    try:
        with write_session(data.engine()) as session:
            act(session, session.get_one(Suggestion, one.id), actor=me.email)
    except RecuxError as error:
        st.error(problems.said(error))
        return
    st.session_state[FOLLOW] = one.id
    frame.done(said)
