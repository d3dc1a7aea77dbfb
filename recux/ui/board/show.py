"""Mounting a board: save what the browser has sent, then show what is kept.

A board is two components. The *form* has the questions and all of the script; it is sent once a page. The *line* is
invisible, small, and alone in a fragment with what shows progress: a click runs the fragment, not the page, and brings
back a few hundred bytes. When the line is dead (the server was started again and does not know its fragment), the form
wakes the whole page, which brings what the browser still has to save.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from sqlalchemy.exc import OperationalError
from streamlit.delta_generator import DeltaGenerator

from recux.ui.board.autosave import Ledger, Said, Saved, settle, unsettled
from recux.ui.board.parts import Section
from recux.ui.language import _, language

FOLDER = Path(__file__).parent
SEEN = "/seen"
"""Where the browser reports which items were in view (``recux.access.seen``)."""
LOG = logging.getLogger("recux.pages")
Kept = Mapping[str, Saved | None]


@dataclass
class Book:
    """What a board reads and writes, for as long as the page is open."""

    kept: Kept
    """What was kept at the last look, for every question of the sections (None where nothing is)."""
    read: Callable[[], Kept]
    """The same, after a change."""
    save: Callable[[Said], None]
    """Writes one change in a transaction of its own, or raises a RecuxError."""
    progress: Callable[[Kept], bool] = field(default=lambda _kept: False)
    """Shows how far the person is; True when the rest of the page has to be drawn anew for it."""


def show(key: str, sections: Sequence[Section], book: Book, *, place: DeltaGenerator | None = None) -> Kept:
    """Show ``sections`` here and the progress in ``place`` (a container), and keep what is answered.

    Returns what is kept now, by question name.
    """
    ledger: Ledger = st.session_state.setdefault(f"_ledger_{key}", Ledger())
    first = [True]  # the run of the whole page; whatever comes after it is a run of the fragment alone

    def line() -> None:
        alive = _settle(key, ledger, book)
        above = st.container()
        result = _line()(key=key, data=_kept(key, ledger, book.kept, alive=alive), on_pending_change=_noted)
        with above:  # filled after the line, which is what people wait for
            again = book.progress(book.kept) and not first[0]
        if unsettled(ledger, result.get("pending"), book.kept) and alive and first[0]:
            st.rerun()  # a fresh session hears of the browser's changes only now: save them and show that
        ledger.fresh = False
        if again or (ledger.refused and not first[0]):
            ledger.refused = False
            st.rerun()

    with place or st.container(), st.container(gap=None):
        st.fragment(line)()
    first[0] = False
    _form()(key=f"{key}-form", data=_questions(key, sections), on_awake_change=_noted)
    return book.kept


def _settle(key: str, ledger: Ledger, book: Book) -> bool:
    """Save what the browser sent; False when the database does not answer, and the browser has to send it again."""
    pending = (st.session_state.get(key) or {}).get("pending")
    try:
        if settle(ledger, pending, book.kept, book.save, _("This could not be saved. Please reload the page.")):
            book.kept = book.read()
    except OperationalError:
        LOG.exception("the database did not answer; the browser sends the answer again")
        return False
    return True


def _questions(key: str, sections: Sequence[Section]) -> dict[str, Any]:
    return {
        "store": f"recux.{key}",
        "language": language().replace("_", "-"),
        "direction": "ltr",
        "seen": SEEN,
        "sections": [asdict(section) for section in sections],
        "words": {
            "saving": _("Saving…"),
            "saved": _("Saved"),
            "too_long": _("Too long by {excess} characters; not saved yet"),
        },
    }


def _kept(key: str, ledger: Ledger, kept: Kept, *, alive: bool) -> dict[str, Any]:
    return {
        "store": f"recux.{key}",
        "saved": {name: asdict(one) if one else None for name, one in kept.items()},
        "settled": ledger.settled,
        "problems": ledger.problems,
        "alive": alive,
        "at": time.time(),  # differs each time, so that the browser hears of a run that changed nothing
    }


def _noted() -> None:
    """Changes are found by comparing, not by callbacks: after a reconnect the first callback does not come."""


@cache
def _form() -> Any:
    return st.components.v2.component(
        "recux_board",
        html='<div class="board"></div>',
        css=(FOLDER / "board.css").read_text(encoding="utf-8"),
        js="\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("board.js", "seen.js")),
    )


@cache
def _line() -> Any:
    return st.components.v2.component("recux_line", js=(FOLDER / "line.js").read_text(encoding="utf-8"))
