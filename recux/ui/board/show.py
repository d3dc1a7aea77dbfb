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
Kept = Mapping[str, Saved | None]
Save = Callable[[Said], None]


def show(key: str, sections: Sequence[Section], kept: Kept, *, read: Callable[[], Kept], save: Save) -> Kept:
    """Show ``sections`` and keep what is answered; returns what is kept now, by question name.

    ``kept`` is what was kept when the run began, for every question of the sections (None where nothing is); ``read``
    gives the same after a change; ``save`` writes one change in a transaction of its own, or raises a RecuxError.
    """
    ledger: Ledger = st.session_state.setdefault(f"_ledger_{key}", Ledger())
    pending = (st.session_state.get(key) or {}).get("pending")
    if settle(ledger, pending, kept, save, _("This could not be saved. Please reload the page.")):
        kept = read()
    result = _board()(key=key, data=_data(key, sections, kept, ledger), on_pending_change=_noted)
    if unsettled(ledger, result.get("pending"), kept):
        st.rerun()  # a fresh session hears of the browser's changes only now: save them and show that
    ledger.fresh = False
    return kept


def _data(key: str, sections: Sequence[Section], kept: Kept, ledger: Ledger) -> dict[str, Any]:
    return {
        "store": f"recux.{key}",
        "language": language().replace("_", "-"),
        "direction": "ltr",
        "sections": [asdict(section) for section in sections],
        "saved": {name: asdict(one) if one else None for name, one in kept.items()},
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
