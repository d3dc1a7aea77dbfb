"""Mounting a board: save what the browser has sent, then show what is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from recux.ui.board.autosave import Ledger, Said, Saved, settle, unsettled
from recux.ui.board.parts import Section
from recux.ui.language import _, language

FOLDER = Path(__file__).parent
Read = Callable[[], Mapping[str, Saved | None]]
Save = Callable[[Said], None]


def show(key: str, sections: Sequence[Section], *, read: Read, save: Save) -> Mapping[str, Saved | None]:
    """Show ``sections`` and keep what is answered; returns what is kept now, by question name.

    ``read`` gives what is kept for every question of the sections (None where nothing is); ``save`` writes one change
    in a transaction of its own, or raises a RecuxError.
    """
    ledger: Ledger = st.session_state.setdefault(f"_ledger_{key}", Ledger())
    saved = _settled(ledger, st.session_state.get(key), read, save)
    result = _board()(key=key, data=_data(key, sections, saved, ledger), on_pending_change=_noted)
    if unsettled(ledger, result.get("pending"), saved):
        st.rerun()  # a fresh session hears of the browser's changes only now: save them and show that
    ledger.fresh = False
    return saved


def _settled(ledger: Ledger, state: Any, read: Read, save: Save) -> Mapping[str, Saved | None]:
    saved = read()
    pending = (state or {}).get("pending")
    problem = _("This could not be saved. Please reload the page.")
    return read() if settle(ledger, pending, saved, save, problem) else saved


def _data(key: str, sections: Sequence[Section], saved: Mapping[str, Saved | None], ledger: Ledger) -> dict[str, Any]:
    return {
        "store": f"recux.{key}",
        "language": language().replace("_", "-"),
        "direction": "ltr",
        "sections": [asdict(section) for section in sections],
        "saved": {name: asdict(one) if one else None for name, one in saved.items()},
        "settled": ledger.settled,
        "problems": ledger.problems,
        "words": {
            "saving": _("Saving…"),
            "saved": _("Saved"),
            "too_long": _("Too long by {excess} characters; not saved yet"),
        },
    }


def _noted() -> None:
    """Changes are found by comparing, not by callbacks: after a reconnect the first callback does not come."""


@cache
def _board() -> Any:
    return st.components.v2.component(
        "recux_board",
        html='<div class="board"></div>',
        css=(FOLDER / "board.css").read_text(encoding="utf-8"),
        js=(FOLDER / "board.js").read_text(encoding="utf-8"),
    )
