"""The parts of the last page: what the study was about, the way back to a panel, the person's own answers."""

import streamlit as st

from db.engine import read_session
from recux.access import panels
from recux.collect import own_answers
from recux.collect.opinions import Mark
from recux.collect.own_answers import Said
from recux.ui import data
from recux.ui.cards import visible
from recux.ui.language import _, language
from recux.ui.plain import plain
from recux.ui.visit import Visit


def debrief(visit: Visit) -> None:
    """What the study was about, in the person's language where there is one, else in English, else in any."""
    texts = visit.study.debrief
    text = texts.get(language()) or texts.get("en") or next(iter(texts.values()), "")
    if text.strip():
        st.subheader(_("What this study is about"), anchor=False)
        st.markdown(plain(text))


def back_to_panel(visit: Visit) -> bool:
    """For a panel's member (and whoever tries the study out): the completion code and the way back."""
    panel = panels.panel_of(visit.study)
    if panel is None or (visit.participant.came_by != "panel" and not visit.participant.test):
        return False
    with read_session(data.engine()) as session:
        address = panels.way_back(session, visit.study, visit.participant, data.settings().secret_key)
    if panel.completion_code:
        st.markdown(_("Your completion code for the panel:"))
        st.code(panel.completion_code, language=None)
    if address:
        st.link_button(_("Back to the panel, to have it counted"), address, type="primary", width="stretch")
    return bool(address or panel.completion_code)


def answers(visit: Visit) -> None:
    """The person's own answers, folded away, if the study shows them."""
    if not visit.study.own_answers:
        return
    with read_session(data.engine()) as session:
        said = own_answers.answers(session, visit.participant, visit.way, language())
    with st.expander(_("Your answers"), icon=":material/list:"):
        for one in [*own_answers.ratings(visit.shown), *said]:
            about = _("List {n} of {count}").format(n=one.period, count=visit.lists) if one.period else ""
            parts = [f"**{plain(visible(one.asked, 300))}**", *map(plain, [*filter(None, [about]), *_said(one)])]
            st.markdown("  \n".join(parts))


def _said(one: Said) -> list[str]:
    """The answer, line by line, as it is read back."""
    value = one.value
    if one.refused:
        value = _("Prefer not to say")
    elif value and one.stars:
        value = _("{value} of {high} stars").format(value=value, high=one.stars)
    elif value and one.scale:
        low, high = one.scale
        value = _("{value} (on a scale of {low} to {high})").format(value=value, low=low, high=high)
    names: dict[Mark, str] = {"know": _("I know it already"), "dismiss": _("Not for me")}
    marks = [text for mark, text in names.items() if mark in one.marks]
    return [text for text in (value, " · ".join(marks), one.text) if text]
