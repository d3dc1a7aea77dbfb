"""Mounting a board: save what the browser has sent, then show what is kept.

A board is two components. The *form* has the questions and all of the script; it is sent once a page. The *line* shows
the progress, carries answers to the server and back, and is alone in a fragment: a click runs the fragment, not the
page, and sends one element of a few hundred bytes. When the line is dead (the server was started again and does not
know its fragment), the form wakes the whole page, which brings what the browser still has to save.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from db.engine import AWAY
from recux.ui.board.autosave import Ledger, Said, Saved, settle, unsettled
from recux.ui.board.parts import Section
from recux.ui.language import _

FOLDER = Path(__file__).parent
SEEN = "/seen"
"""Where the browser reports which items were in view (``recux.access.seen``)."""
LOG = logging.getLogger("recux.pages")
Kept = Mapping[str, Saved | None]


class Reached(NamedTuple):
    """How far a person is."""

    share: float
    """0 to 1."""
    words: str
    again: bool = False
    """Whether the rest of the page has to be drawn anew for it."""


@dataclass
class Book:
    """What a board keeps and writes, for as long as the page is open."""

    kept: Kept
    """What was kept at the last look, for every question of the sections (None where nothing is)."""
    save: Callable[[Said], Kept]
    """Writes one change in a transaction of its own and returns what is kept then, or raises a RecuxError."""
    progress: Callable[[Kept], Reached | None] = field(default=lambda _kept: None)
    """What the line shows above the page; None for no progress."""

    def keep(self, said: Said) -> None:
        """Save one change."""
        self.kept = self.save(said)


def show(
    key: str, sections: Sequence[Section], book: Book, *, place: DeltaGenerator | None = None, marked: bool = False
) -> Kept:
    """Show ``sections`` here and the progress in ``place`` (a container), and keep what is answered.

    ``marked``: questions that have to be answered and are not say so. Returns what is kept now, by question name.
    """
    ledger: Ledger = st.session_state.setdefault(f"_ledger_{key}", Ledger())
    problem = _("This could not be saved. Please reload the page.")
    first = [True]  # the run of the whole page; whatever comes after it is a run of the fragment alone

    def line() -> None:
        alive = _settle(key, ledger, book, problem)
        reached = book.progress(book.kept)
        result = _line()(key=key, data=_kept(key, ledger, book.kept, reached, alive=alive), on_pending_change=_noted)
        if unsettled(ledger, result.get("pending"), book.kept) and alive and first[0]:
            st.rerun()  # a fresh session hears of the browser's changes only now: save them and show that
        ledger.fresh = False
        if not first[0] and (ledger.refused or (reached and reached.again)):
            ledger.refused = False
            st.rerun()

    with place or st.container(), st.container(key="line"):
        st.fragment(line)()
    first[0] = False
    _form()(key=f"{key}-form", data=_questions(key, sections, marked=marked), on_awake_change=_noted)
    return book.kept


def _settle(key: str, ledger: Ledger, book: Book, problem: str) -> bool:
    """Save what the browser sent; False when the database does not answer, and the browser has to send it again."""
    pending = (st.session_state.get(key) or {}).get("pending")
    try:
        settle(ledger, pending, book.kept, book.keep, problem)
    except AWAY:
        LOG.exception("the database did not answer; the browser sends the answer again")
        return False
    return True


def _questions(key: str, sections: Sequence[Section], *, marked: bool) -> dict[str, Any]:
    return {
        "store": f"recux.{key}",
        "direction": "ltr",
        "seen": SEEN,
        "marked": marked,
        "sections": [asdict(section) for section in sections],
        "words": {
            "saving": _("Saving…"),
            "saved": _("Saved"),
            "unanswered": _("Not answered yet"),
            "too_long": _("Too long by {excess} characters; not saved yet"),
        },
    }


def _kept(key: str, ledger: Ledger, kept: Kept, reached: Reached | None, *, alive: bool) -> bytes:
    """As JSON, since Streamlit would look for data frames in anything else, which takes a tenth of a click."""
    now = {
        "store": f"recux.{key}",
        "saved": {name: one._asdict() if one else None for name, one in kept.items()},
        "settled": ledger.settled,
        "problems": ledger.problems,
        "progress": {"share": reached.share, "words": reached.words} if reached else None,
        "alive": alive,
        "at": time.time(),  # differs each time, so that the browser hears of a run that changed nothing
    }
    return json.dumps(now).encode()


def _noted() -> None:
    """Changes are found by comparing, not by callbacks: after a reconnect the first callback does not come."""


@cache
def _form() -> Any:
    return st.components.v2.component(
        "recux_board",
        css=(FOLDER / "board.css").read_text(encoding="utf-8"),
        js="\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("board.js", "progress.js", "seen.js")),
    )


@cache
def _line() -> Any:
    return st.components.v2.component("recux_line", js=(FOLDER / "line.js").read_text(encoding="utf-8"))
