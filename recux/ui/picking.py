"""What a person likes, before anything is recommended: topics and items, each kept when it is picked."""

import zlib

import streamlit as st

from db.engine import read_session, write_session
from db.tables import Participant
from recux.collect import preferences
from recux.collect.preferences import Pick
from recux.ui import board, data, identity
from recux.ui.board import Book, Kept, Said, Saved, Section
from recux.ui.cards import visible
from recux.ui.language import _
from recux.ui.plain import plain
from recux.ui.visit import Visit

LONGEST = 80
TOPICS = "topics"


def pick_topics(visit: Visit) -> None:
    """The study's most frequent categories and tags, any of which may be picked."""
    engine, person = data.engine(), visit.participant_id
    with read_session(engine) as session:
        offered = preferences.topics(session, visit.study)
    if not offered:
        return
    codes = {zlib.crc32(topic.encode()): topic for topic in offered}

    def kept(interests: list[str]) -> Kept:
        chosen = [code for code, topic in codes.items() if topic in interests]
        return {TOPICS: Saved(sum(chosen), text=";".join(map(str, chosen))) if chosen else None}

    def save(said: Said) -> Kept:
        chosen = set((said.text or "").split(";"))
        with write_session(engine) as session:
            participant = identity.same_participant(session, person)
            topics = [topic for code, topic in codes.items() if str(code) in chosen]
            preferences.set_topics(session, participant, topics, offered)
            return kept(participant.interests)

    options = [(code, visible(topic, LONGEST)) for code, topic in codes.items()]
    sections = [Section(TOPICS, [board.chips(TOPICS, _("Topics you like"), options)])]
    board.show(f"preferences-{person}", sections, Book(kept(visit.participant.interests), save=save))


def pick_items(visit: Visit) -> None:
    """A search over the study's items, and below it what was found and what was picked."""
    with read_session(data.engine()) as session:
        mine = preferences.picked(session, visit.participant)
    words = st.text_input(
        _("Search for something you like"), key="_search", placeholder=_("A title, a brand, a topic"), max_chars=80
    )
    with read_session(data.engine()) as session:
        found = preferences.search(session, visit.study, words)
    liked = {one.item_id for one in mine}
    if words.strip() and not found:
        st.markdown(_("Nothing was found for these words. You can try others, or go on without."))
    if not words.strip() and found:
        st.markdown(_("For example:"))
    for one in found:  # picked ones keep their place, so that nothing jumps under the finger
        _tick(visit, one, liked=one.item_id in liked)
    elsewhere = [one for one in mine if one.item_id not in {other.item_id for other in found}]
    if elsewhere:
        st.markdown(_("**Picked already**"))
    for one in elsewhere:
        _tick(visit, one, liked=True)


def _tick(visit: Visit, one: Pick, *, liked: bool) -> None:
    label = " · ".join(part for part in (visible(one.title, LONGEST), visible(one.category, 40)) if part)
    key, known = f"_like_{one.item_id}", f"_known_{one.item_id}"
    if key not in st.session_state or st.session_state[key] == st.session_state.get(known):
        st.session_state[key] = liked  # nothing was ticked here since, but maybe on another device
    now = st.checkbox(plain(label), key=key)
    if now != liked:
        with write_session(data.engine()) as session:
            person = session.get_one(Participant, visit.participant_id)
            preferences.pick(session, person, one.item_id, liked=now)
    st.session_state[known] = now
