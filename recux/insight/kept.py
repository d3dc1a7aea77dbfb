"""Figures that take seconds on a large study, kept in this process between two openings of a page.

What took long is shown again as long as nothing changed. While answers keep coming in it is computed anew, but never so
often that computing takes more than a twentieth of the time; what takes no time is never old. Whoever withdraws, is
erased or rejected is gone from the next opening on. Visitors who come at once wait for one computation, not for one
each.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Answer, Interaction, Participant, Rating, Request, Round, Study, now

T = TypeVar("T")
SHARE = 0.05
"""Of the time that computing may take."""
OLDEST = 300.0
"""Seconds after which it is computed anew in any case."""
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

    def good(self, people: tuple[Any, ...], rows: tuple[Any, ...]) -> bool:
        if self.found is None or self.took <= QUICK or self.people != people:
            return False
        age = time.monotonic() - self.read_at
        return self.rows == rows or age < min(self.took / SHARE, OLDEST)


_places: OrderedDict[Hashable, _Place] = OrderedDict()
_lock = Lock()


def kept(session: Session, study: Study, name: Hashable, make: Callable[[], T]) -> Kept[T]:
    """The value of ``make``, which reads the study's rows; ``name`` tells it from other values of the study."""
    people, rows = _people(session, study), _rows(session, study)
    place = _place_of((str(session.get_bind().engine.url), study.id, study.salt, name))
    with place.lock:
        if not place.good(people, rows):
            begun = time.monotonic()
            place.found = Kept(make(), now())
            place.people, place.rows, place.read_at = people, rows, time.monotonic()
            place.took = place.read_at - begun
        assert place.found is not None
        return place.found


def _place_of(key: Hashable) -> _Place:
    with _lock:
        place = _places.setdefault(key, _Place())
        _places.move_to_end(key)
        while len(_places) > MOST:
            _places.popitem(last=False)
        return place


def _people(session: Session, study: Study) -> tuple[Any, ...]:
    """What must show at once: who counts, the study's own settings, and a batch that was closed."""
    everyone = sa.select(sa.func.count()).where(col(Participant.study_id) == study.id)
    rounds = sa.select(sa.func.max(col(Round.id))).where(col(Round.study_id) == study.id)
    asked = (everyone, everyone.where(~counts()), rounds)
    return study.edit_version, *(session.connection().execute(one).scalar() for one in asked)


def _rows(session: Session, study: Study) -> tuple[Any, ...]:
    """The newest row of everything that is added to; a correction is a new row, too."""
    newest = (
        sa.select(col(table.id)).where(col(table.study_id) == study.id).order_by(col(table.id).desc()).limit(1)
        for table in (Rating, Answer, Interaction, Request)
    )
    return tuple(session.connection().execute(one).scalar() for one in newest)
