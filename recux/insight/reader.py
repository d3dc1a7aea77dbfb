"""The child of ``recux.insight.apart``: reads what its parent asks for, one question after the other."""

import logging
import os
import pickle
import resource
import select
import sys
import time
from typing import Any, BinaryIO

from sqlmodel import Session

from db.engine import engine_for, read_session
from db.tables import Study
from recux.insight import apart
from recux.insight.kept import noting

IDLE = 900.0
"""Seconds without a question after which it ends and gives its memory back."""
LARGEST = 4 * 1024**2
"""KiB of memory after which it ends with its answer; the next question starts another."""
NICENESS = 5


def main() -> None:
    """Answer until the parent's pipe ends or nobody asks. The answer's way out is ours alone: prints go to stderr."""
    os.nice(NICENESS)
    apart.become_child()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while _asked() and _answer(sys.stdin.buffer, out):
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > LARGEST:
            return


def _asked() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], IDLE)
    return bool(ready)


def _answer(questions: BinaryIO, out: BinaryIO) -> bool:
    try:
        url, make, study_id, args = pickle.load(questions)  # noqa: S301 - from our parent, over its own pipe
    except EOFError:
        return False
    answer: tuple[bool, Any]
    try:
        with read_session(engine_for(url)) as session:
            answer = True, _read(session, make, study_id, args)
    except Exception as problem:  # raised again where it was asked
        answer = False, problem
    out.write(_pickled(answer))
    out.flush()
    return True


def _read(session: Session, make: Any, study_id: int, args: tuple[Any, ...]) -> apart.Done:
    began = time.monotonic()
    with noting() as oldest:
        value = make(session, session.get_one(Study, study_id), *args)
    return apart.Done(value, oldest(), time.monotonic() - began)


def _pickled(answer: tuple[bool, Any]) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception:  # an exception that cannot travel: its words can
        logging.getLogger("recux.insight").exception("what was read cannot be handed over")
        return pickle.dumps((False, RuntimeError(repr(answer[1]))))


if __name__ == "__main__":
    main()
