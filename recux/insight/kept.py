"""Figures that take seconds on a large study, kept in this process between two openings of a page.

What took long is shown again as long as nothing changed. While answers keep coming in it is computed anew, in the
background and never so often that computing takes more than a twentieth of the time; what takes no time is never old.
Whoever withdraws, is erased or rejected is gone from the next opening on. Visitors who come at once wait for one
computation, not for one each. Large studies are read by another process (``apart``).
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock, Thread, local
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col

from db.engine import let_go, read_session
from db.queries import counts
from db.tables import Answer, Interaction, Participant, Rating, Request, Round, Study, now
from recux.insight import apart

T = TypeVar("T")
SHARE = 0.05
"""Of the time that computing may take."""
OLDEST = 300.0
"""Seconds after which nobody is shown what is old, but waits."""
QUICK = 0.2
"""Seconds of computing up to which a value is not kept at all."""
MOST = 64


class Kept(NamedTuple, Generic[T]):
    """A value and when it was computed."""

    value: T
    at: datetime


@dataclass
class _Place:
    lock: Lock = field(default_factory=Lock)
    found: Kept[Any] | None = None
    people: tuple[Any, ...] = ()
    rows: tuple[Any, ...] = ()
    read_at: float = 0.0
    took: float = 0.0
    busy: bool = False

    @property
    def age(self) -> float:
        return time.monotonic() - self.read_at


class _Asked(NamedTuple):
    """What a value is made of."""

    make: Callable[..., Any]
    args: tuple[Hashable, ...]
    people: tuple[Any, ...]
    rows: tuple[Any, ...]


_places: OrderedDict[Hashable, _Place] = OrderedDict()
_lock = Lock()
_seen = local()


def kept(session: Session, study: Study, make: Callable[..., T], *args: Hashable) -> Kept[T]:
    """The value of ``make(session, study, *args)``, a function of a module that reads the study's rows."""
    asked = _Asked(make, args, _people(session, study), _rows(session))
    place = _place_of((apart.url_of(session), study.id, study.salt, make, args))
    let_go(session)
    with place.lock:
        if place.found is None or not _good(place, asked):
            _compute(place, session, study, asked)
        elif _stale(place, asked) and not place.busy:
            place.busy = True
            Thread(target=_anew, args=(place, session.get_bind().engine, study.id, asked), daemon=True).start()
        assert place.found is not None
        found = place.found
    _seen.oldest = min(getattr(_seen, "oldest", found.at), found.at)
    return found


@contextmanager
def noting() -> Iterator[Callable[[], datetime]]:
    """Of when the oldest kept value is that the block uses; of this moment when it uses none."""
    outer, _seen.oldest = getattr(_seen, "oldest", None), now()
    mine: list[datetime] = []
    try:
        yield lambda: mine[0] if mine else _seen.oldest
    finally:
        mine.append(_seen.oldest)
        _seen.oldest = min(filter(None, (outer, _seen.oldest)))


def _good(place: _Place, asked: _Asked) -> bool:
    """Whether what is kept may be shown: perhaps a little old, but of the same people."""
    if place.took <= QUICK or place.people != asked.people:
        return False
    return place.rows == asked.rows or place.age < max(OLDEST, place.took)


def _stale(place: _Place, asked: _Asked) -> bool:
    """Whether it is time to compute it anew."""
    return place.age > (OLDEST if place.rows == asked.rows else place.took / SHARE)


def _compute(place: _Place, session: Session, study: Study, asked: _Asked) -> None:
    if apart.is_large(session, study):
        let_go(session)
        done = apart.ask(apart.url_of(session), study, asked.make, asked.args)
    else:
        begun = time.monotonic()
        with noting() as oldest:
            value = asked.make(session, study, *asked.args)
        done = apart.Done(value, oldest(), time.monotonic() - begun)
    place.found, place.took = Kept(done.value, done.at), done.took
    place.people, place.rows, place.read_at = asked.people, asked.rows, time.monotonic()


def _anew(place: _Place, engine: sa.Engine, study_id: int, asked: _Asked) -> None:
    """Compute beside the page; meanwhile the old value is shown, and when this fails, the next opening tries again."""
    fresh = _Place()
    try:
        with read_session(engine) as session:
            _compute(fresh, session, session.get_one(Study, study_id), asked)
        with place.lock:
            place.found, place.took, place.people = fresh.found, fresh.took, fresh.people
            place.rows, place.read_at = fresh.rows, fresh.read_at
    except Exception:
        logging.getLogger("recux.insight").exception("a kept figure could not be computed anew")
    finally:
        place.busy = False


def _place_of(key: Hashable) -> _Place:
    with _lock:
        place = _places.setdefault(key, _Place())
        _places.move_to_end(key)
        while len(_places) > MOST:
            _places.popitem(last=False)
        return place


def _people(session: Session, study: Study) -> tuple[Any, ...]:
    """What must show at once: who does not count, the study's own settings, and a batch that was closed."""
    mine = col(Participant.study_id) == study.id
    gone = sa.select(sa.func.count()).where(mine, ~counts())
    newest = sa.select(sa.func.max(col(Round.id))).where(col(Round.study_id) == study.id)
    run = session.connection().execute
    return study.edit_version, run(gone).scalar(), run(newest).scalar()


def _rows(session: Session) -> tuple[Any, ...]:
    """The newest row of everything that is added to, in any study: a study's own could not be had from an index. A
    correction is a new row, too.
    """
    newest = (
        sa.select(sa.func.max(col(table.id))).scalar_subquery()
        for table in (Rating, Answer, Interaction, Request, Participant)
    )
    return tuple(session.connection().execute(sa.select(*newest)).one())
