"""Reads of large studies in a process of their own: people who click meanwhile do not wait for them.

The child (``recux.insight.reader``) is started by the first such read, keeps the study's rows between two of them, and
ends when nobody asked for a while or when its parent ends, however that ends: both talk over a pipe.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col

from db.engine import let_go
from db.tables import Answer, Interaction, Rating, Request, Study
from recux.errors import Unavailable

T = TypeVar("T")
LARGE = 50_000
"""Rows of a kind (ratings, answers, interactions, requests) from which on a study is read apart."""
TRIES = 2


class Done(NamedTuple):
    """What a read found."""

    value: Any
    at: datetime
    """Of when it is."""
    took: float
    """Seconds of reading."""


class _Parent:
    """The one child of this process; in the child itself, ``inside`` says so."""

    lock = Lock()
    child: "subprocess.Popen[bytes] | None" = None
    inside = False


def is_large(session: Session, study: Study) -> bool:
    """Whether a study has more than ``LARGE`` rows of a kind; of more they are not counted."""
    if _Parent.inside:
        return False
    run = session.connection().execute
    for table in (Rating, Answer, Interaction, Request):
        some = sa.select(sa.literal(1)).where(col(table.study_id) == study.id).limit(LARGE + 1).subquery()
        if run(sa.select(sa.func.count()).select_from(some)).scalar_one() > LARGE:
            return True
    return False


def read(session: Session, study: Study, make: Callable[..., T], *args: Hashable) -> T:
    """``make(session, study, *args)``, of a large study by the child; ``make`` is a function of a module."""
    if not is_large(session, study):
        return make(session, study, *args)
    let_go(session)
    return ask(url_of(session), study, make, args).value  # type: ignore[no-any-return]


def url_of(session: Session) -> str:
    """The address of the session's database, with its password."""
    return session.get_bind().engine.url.render_as_string(hide_password=False)


def ask(url: str, study: Study, make: Callable[..., Any], args: tuple[Hashable, ...]) -> Done:
    """Let the child read, one at a time. Raises what the read raised, and Unavailable when the child cannot be had."""
    with _Parent.lock:
        for _try in range(TRIES):
            try:
                fine, answer = _exchange((url, make, study.id, args))
                break
            except (OSError, EOFError):  # it ended: idle, too large, or killed
                _end()
        else:
            raise Unavailable("the process that reads large studies ended twice; is there memory left? Try again")
    if not fine:
        raise answer
    return answer  # type: ignore[no-any-return]


def become_child() -> None:
    """From now on this process reads by itself."""
    _Parent.inside = True


def _exchange(asked: tuple[Any, ...]) -> tuple[bool, Any]:
    if _Parent.child is None:
        command = (sys.executable, "-m", "recux.insight.reader")
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        _Parent.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    to, back = _Parent.child.stdin, _Parent.child.stdout
    assert to is not None  # it was made with pipes
    assert back is not None
    pickle.dump(asked, to)
    to.flush()
    fine, answer = pickle.load(back)  # noqa: S301 - written by our own child, over its own pipe
    return fine, answer


def _end() -> None:
    child, _Parent.child = _Parent.child, None
    if child is None:
        return
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        assert pipe is not None
        with suppress(OSError):  # a question that it never heard
            pipe.close()
