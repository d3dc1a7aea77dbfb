"""Answers given without care: who was flagged and why, what does not count, and the place that becomes free."""

from typing import Any

import pandas as pd
import streamlit as st

from db.engine import read_session, write_session
from db.tables import Study, User
from recux.access import audit, invite_lists
from recux.access.accounts import has_role
from recux.collect import rejecting
from recux.collect.studies import get_study
from recux.errors import RecuxError
from recux.insight import data_quality, people
from recux.insight.kept import kept
from recux.ui import data, frame, problems, take, times, words
from recux.ui.language import _
from recux.ui.people import invite


def show(me: User, study: Study) -> None:
    """Flagged people, with the choice to reject them; below, those who do not count."""
    with read_session(data.engine()) as session:
        quality, out = kept(session, study, data_quality.summary).value, people.not_counting(session, study)
    st.text(_("Flagged answers stay in every figure unless a page leaves them out, or you reject them."))
    codes = quality.flagged["reason"]
    reasons = quality.flagged.assign(reason=codes.map(words.flag), rule=codes.map(words.flag_rule))
    st.dataframe(reasons, hide_index=True, column_config=words.flag_columns())
    take.numbers(quality.people, "flagged")
    _flagged(me, study, quality.people)
    st.subheader(_("Do not count"))
    invite.kept(study)
    if out.empty:
        frame.empty(_("Everybody's answers count: there are no test participants, and nobody was rejected."))
    else:
        _out(me, study, out)


def _flagged(me: User, study: Study, flagged: pd.DataFrame) -> None:
    if flagged.empty:
        st.success(_("Nobody was flagged."), icon=":material/check:")
        return
    by_person = flagged.assign(reason=flagged["reason"].map(words.flag)).groupby(["participant", "arm"], as_index=False)
    table = by_person.agg(reason=("reason", ", ".join))
    chosen = _choose(table, "flagged", words.flag_columns())
    if not has_role(me, "analyst"):
        return
    why = st.text_input(_("Why (kept in the log)"), ", ".join(table["reason"].iloc[chosen].unique())[:200])
    if st.button(_("Reject {n} people's answers").format(n=len(chosen)), disabled=not chosen):
        names = table["participant"].iloc[chosen].tolist()
        _do(me, study, "answers.reject", names, lambda s, one: rejecting.reject(s, one, names, why), why=why)


def _out(me: User, study: Study, out: pd.DataFrame) -> None:
    shown = out.assign(why=out["why"].map(words.not_counted))
    since = times.column(_("Since"))
    chosen = _choose(shown, "out", words.flag_columns() | {"why": _("Why"), "since": since})
    take.numbers(out, "not-counting")
    rejected = [name for name, why in out[["participant", "why"]].iloc[chosen].to_numpy() if why != "test"]
    if not has_role(me, "analyst"):
        return
    with st.container(horizontal=True):
        if st.button(_("Let {n} people count again").format(n=len(rejected)), disabled=not rejected):
            _do(me, study, "answers.take_back", rejected, lambda s, one: rejecting.take_back(s, one, rejected))
        again = has_role(me, "admin") and st.button(
            _("Invite {n} new people in their place").format(n=len(rejected)), disabled=not rejected
        )
    if again:
        invite.act(me, study, "study.replace", lambda s, one: invite_lists.replace_people(s, one, rejected))


def _choose(table: pd.DataFrame, key: str, columns: dict[str, Any]) -> list[int]:
    """Rows that are ticked in the table."""
    event: Any = st.dataframe(
        table, hide_index=True, column_config=columns, selection_mode="multi-row", on_select="rerun", key=key
    )
    return [row for row in event.selection.rows if row < len(table)]


def _do(me: User, study: Study, action: str, names: list[str], change: Any, **details: Any) -> None:
    try:
        with write_session(data.engine()) as session:
            n = change(session, get_study(session, study.slug))
            audit.record(session, actor=me.email, action=action, target=study.slug, people=names[:100], **details)
    except RecuxError as error:
        st.error(problems.said(error))
        return
    frame.done(_("Changed for {n} people.").format(n=n))
