"""The server's half of saving: each change that the browser sends is written once, however often it is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from recux.errors import RecuxError


@dataclass(frozen=True)
class Said:
    """One change that the browser has not seen saved yet."""

    name: str
    value: float | None
    text: str | None
    refused: bool
    base: int | None
    """Revision that the person saw when they changed it."""
    nonce: str


class Saved(NamedTuple):
    """What is kept now for one question."""

    revision: int
    """Id of the row."""
    value: float | None = None
    text: str | None = None
    refused: bool = False


@dataclass
class Ledger:
    """What this browser session has settled; it may be lost at any time without losing an answer."""

    settled: dict[str, str] = field(default_factory=dict)
    """Nonce of the last change settled, by question."""
    problems: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    """True when something was refused since the page was drawn; drawing it anew says why."""
    fresh: bool = True
    """True until the first look: what arrives then may be older than what is kept."""


def settle(
    ledger: Ledger,
    pending: Any,
    saved: Mapping[str, Saved | None],
    save: Callable[[Said], None],
    problem: str,
) -> int:
    """Write what is new in ``pending`` and note it in ``ledger``; returns how many changes were written.

    In a session that knew the page before, a new change wins: it is later than anything kept. In a fresh session
    (the server restarted, and the browser sent again what it had) a change made on another revision than the one
    kept now was overtaken elsewhere, so the kept one stands. ``problem`` is told to the person when ``save`` refuses.
    """
    written = 0
    for said in unsettled(ledger, pending, saved):
        kept = saved[said.name]
        ledger.problems.pop(said.name, None)
        if not (ledger.fresh and said.base != (kept.revision if kept else None)):
            try:
                save(said)
                written += 1
            except RecuxError:
                ledger.problems[said.name] = problem
                ledger.refused = True
        ledger.settled[said.name] = said.nonce
    return written


def unsettled(ledger: Ledger, pending: Any, saved: Mapping[str, Saved | None]) -> list[Said]:
    """The well-formed changes that were not dealt with, in the page's order: stars before their comment.

    Anything else was not sent by our script, and is left alone.
    """
    sent = pending if isinstance(pending, dict) else {}
    changes = (_understood(name, sent[name]) for name in saved if isinstance(sent.get(name), dict))
    return [said for said in changes if said and ledger.settled.get(said.name) != said.nonce]


def _understood(name: str, entry: Mapping[str, Any]) -> Said | None:
    value, text, base, nonce = (entry.get(field) for field in ("value", "text", "base", "nonce"))
    if not isinstance(nonce, str):
        return None
    return Said(
        name,
        _number(value),
        text if isinstance(text, str) else None,
        entry.get("refused") is True,
        None if (revision := _number(base)) is None else int(revision),
        nonce,
    )


def _number(sent: Any) -> float | None:
    """A finite number below a million millions, beyond which nothing of ours lies; anything else is none."""
    is_number = isinstance(sent, int | float) and not isinstance(sent, bool)
    return float(sent) if is_number and abs(sent) < 1e12 else None
