"""What a board shows, as plain data for the browser. Foreign text goes in as it is: it only becomes text nodes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from recux.ui.language import _


@dataclass(frozen=True)
class Card:
    """An item above its questions."""

    title: str
    facts: str = ""
    """Category, tags and price in one line."""
    description: str = ""
    reason: str = ""
    """Why the item is shown."""
    image: str = ""
    """Address of a picture; a coloured tile stands in where there is none or it does not load."""
    initial: str = ""
    hue: int = 0
    """Colour of the tile, 0 to 359."""


@dataclass(frozen=True)
class Question:
    """One question, as the browser draws it."""

    name: str
    kind: str
    """``stars``, ``scale``, ``slider``, ``single``, ``multiple``, ``chips`` or ``text``."""
    text: str
    about: str = ""
    """What only screen readers say after the text: which item it is about."""
    options: list[dict[str, Any]] = field(default_factory=list)
    ends: tuple[str, str] | None = None
    refusal: dict[str, str] | None = None
    low: int = 0
    high: int = 0
    longest: int = 0
    when: dict[str, Any] | None = None


@dataclass(frozen=True)
class Section:
    """Questions that belong together, below an item or alone."""

    id: str
    questions: Sequence[Question]
    card: Card | None = None


def stars(name: str, text: str, *, high: int = 5, **more: Any) -> Question:
    """1 to ``high`` stars."""
    spoken = _("{value} of {high} stars")
    options = [{"value": n, "text": str(n), "spoken": spoken.format(value=n, high=high)} for n in range(1, high + 1)]
    return Question(name, "stars", text, options=options, **more)


def scale(name: str, text: str, low: int, high: int, ends: tuple[str, str] | None, **more: Any) -> Question:
    """Whole numbers from ``low`` to ``high`` with labelled ends, which screen readers say with the number."""
    options = [{"value": n, "text": str(n), "spoken": str(n)} for n in range(low, high + 1)]
    if ends:
        options[0]["spoken"], options[-1]["spoken"] = f"{low}: {ends[0]}", f"{high}: {ends[1]}"
        ends = (f"{low} = {ends[0]}", f"{high} = {ends[1]}")
    return Question(name, "scale", text, options=options, ends=ends, **more)


def slider(name: str, text: str, low: int, high: int, ends: tuple[str, str] | None, **more: Any) -> Question:
    """Any number from ``low`` to ``high``; nothing is set until the person sets it."""
    return Question(name, "slider", text, low=low, high=high, ends=ends, **more)


def choices(name: str, text: str, options: Sequence[tuple[int, str]], *, many: bool = False, **more: Any) -> Question:
    """One of several options, or with ``many`` any of them: the answer is then a text of values joined by ``;``."""
    kind = "multiple" if many else "single"
    return Question(name, kind, text, options=[{"value": n, "text": said} for n, said in options], **more)


def chips(name: str, text: str, options: Sequence[tuple[int, str]], **more: Any) -> Question:
    """Any of several short options side by side; the answer is as with ``choices(many=True)``."""
    return Question(name, "chips", text, options=[{"value": n, "text": said} for n, said in options], **more)


def text(name: str, text: str, *, longest: int, **more: Any) -> Question:
    """Free text of at most ``longest`` characters."""
    return Question(name, "text", text, longest=longest, **more)


def refusal() -> dict[str, str]:
    """The way out of a question: declining to answer, which is kept apart from no answer."""
    return {"text": _("Prefer not to say")}
