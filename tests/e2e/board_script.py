"""A page with a question of every kind, which keeps its answers in a file: for tests of the component alone."""

import json
import os
from pathlib import Path

import streamlit as st

from recux.instruments import read
from recux.ui import board, forms

kinds = read(Path(__file__).parent / "kinds.toml")
answers = Path(os.environ["RECUX_TEST_ANSWERS"])


def kept() -> dict[str, board.Saved | None]:
    there = json.loads(answers.read_text()) if answers.exists() else {}
    return {q.name: board.Saved(**there[q.name]) if q.name in there else None for q in kinds.questions}


def save(said: board.Said) -> board.Kept:
    now = {name: one._asdict() for name, one in kept().items() if one}
    nothing = said.value is None and not said.text and not said.refused
    revision = len(json.dumps(now))
    now[said.name] = {"revision": revision, "value": said.value, "text": said.text, "refused": said.refused}
    if nothing:
        del now[said.name]
    answers.write_text(json.dumps(now))
    return kept()


st.title("Kinds")
sections = [board.Section(q.name, [forms.drawn(q, "en")]) for q in kinds.questions]
board.show("kinds", sections, board.Book(kept(), save=save))
