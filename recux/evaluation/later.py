"""Writes that wait: figures are computed in a session that only reads, and what is to be stored is written at the end.

On SQLite everybody's answers wait for a transaction that writes, so it must not compute.
"""

from collections.abc import Callable

from sqlmodel import Session

Write = Callable[[Session], None]
KEY = "recux_writes_later"


def gather_writes(session: Session) -> list[Write]:
    """From now on writes of ``session`` are put on this list; whoever reads it makes them, in order, in another one."""
    writes: list[Write] = []
    session.info[KEY] = writes
    return writes


def write(session: Session, what: Write) -> None:
    """Make the write now, or put it on the list of the session."""
    writes = session.info.get(KEY)
    if writes is None:
        what(session)
    else:
        writes.append(what)
