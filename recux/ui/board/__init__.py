"""Questions in the browser: one component that saves each answer when it is given, and says so.

Native radio buttons and text areas, so that keyboards and screen readers work; nothing is preselected, and a second
click changes nothing. The browser names each unsaved change with a nonce and sends it until the server settles it.
"""

from recux.ui.board.autosave import Said, Saved, settle
from recux.ui.board.parts import Card, Question, Section, chips, choices, refusal, scale, slider, stars, text
from recux.ui.board.show import Book, Kept, Reached, show

__all__ = [
    "Book",
    "Card",
    "Kept",
    "Question",
    "Reached",
    "Said",
    "Saved",
    "Section",
    "chips",
    "choices",
    "refusal",
    "scale",
    "settle",
    "show",
    "slider",
    "stars",
    "text",
]
