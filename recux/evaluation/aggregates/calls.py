"""Durations of calls by arm: each value with its count, or, where there are too many, in steps of a thousandth."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Participant, Request, Slate
from recux.evaluation.frames import arm, frame_of, unindexed, with_arms
from recux.evaluation.rows import calls_of_study
from recux.evaluation.scope import Scope

Floats = NDArray[np.float64]

MOST_VALUES = 20_000
"""Different durations kept one by one; beyond, neighbours within ``ERROR`` are put together."""
ERROR = 2.0**-11
"""Largest relative error of a duration then: half a step."""
KINDS = {"id": "int64", "arm": "int64", "participant": "int64", "duration_ms": "float64", "failed": "bool"}


@dataclass
class Calls:
    """Durations in ascending order, how often each occurred and how often it ended in failure for nobody known.

    ``rows`` has shape (durations, 2): duration in ms, count.
    """

    rows: Floats
    rounded: bool = False

    @property
    def error(self) -> float:
        """Largest relative error of a duration."""
        return ERROR if self.rounded else 0.0

    def add(self, durations: Floats, sign: int) -> None:
        """Put these durations in (sign 1) or take them out (sign -1)."""
        values = stepped(durations) if self.rounded else durations
        both = np.concatenate([self.rows, np.column_stack([values, np.full(len(values), float(sign))])])
        self.rows = _counted(both)
        if not self.rounded and len(self.rows) > MOST_VALUES:
            self.rounded = True
            self.rows = _counted(np.column_stack([stepped(self.rows[:, 0]), self.rows[:, 1]]))


def stepped(durations: Floats) -> Floats:
    """Durations to ten binary digits behind the first, the nearest of the steps."""
    fraction, exponent = np.frexp(durations)
    return np.asarray(np.ldexp(np.round(fraction * 2**11) / 2**11, exponent))


def new_calls(session: Session, scope: Scope, *, since: datetime | None, last: int) -> pd.DataFrame:
    """Calls within the scope that were not when rounds looked last: later than ``since``, or stored after row ``last``.

    Columns ``id``, ``arm``, ``participant`` (0: unknown), ``duration_ms``, ``failed``.
    """
    everybody = sa.or_(col(Participant.id).is_(None), counts())
    return _read(session, scope, everybody, col(Request.id).in_(_new(scope, since, last)))


def oldest(session: Session, study: int) -> list[str]:
    """Row id and time of the earliest call; empty without any."""
    first = sa.select(col(Request.id), col(Request.requested_at)).where(col(Request.study_id) == study)
    found = session.connection().execute(first.order_by(col(Request.requested_at)).limit(1)).first()
    return [] if found is None else [str(found[0]), found[1].isoformat()]


def still_there(session: Session, call: list[str]) -> bool:
    """Whether the call that ``oldest`` found is still stored; true where it found none."""
    if not call:
        return True
    time = sa.select(col(Request.requested_at)).where(col(Request.id) == int(call[0]))
    found = session.connection().execute(time).scalar()
    return found is not None and found.isoformat() == call[1]


def _new(scope: Scope, since: datetime | None, last: int) -> sa.CompoundSelect[Any] | sa.Select[Any]:
    """Ids in two parts, each with an index of its own: later ones, and earlier ones that were stored later."""
    time, ids = col(Request.requested_at), sa.select(col(Request.id))
    here = col(Request.study_id) == scope.study, time <= scope.until
    if since is None:
        return ids.where(*here)
    stored_later = unindexed(col(Request.study_id), scope.study), col(Request.id) > last
    late = ids.where(*stored_later, sa.func.coalesce(time, time) <= since)  # no index of times either
    return sa.union_all(ids.where(*here, time > since), late)


def calls_of(session: Session, scope: Scope, people: list[int], *, last: int, until: datetime) -> pd.DataFrame:
    """The calls of these people that are in the sums, whether they count or not."""
    here = (col(Request.requested_at) <= until, col(Request.id) <= last)
    return _read(session, scope, calls_of_study(session, replace(scope, people=tuple(people))), *here)


def _read(session: Session, scope: Scope, *where: sa.ColumnElement[bool]) -> pd.DataFrame:
    statement = (
        sa.select(
            col(Request.id),
            arm(col(Request.arm_id)),
            sa.func.coalesce(col(Slate.participant_id), 0).label("participant"),
            col(Request.duration_ms),
            (col(Request.outcome) != "ok").label("failed"),
        )
        .outerjoin(Slate, col(Slate.id) == col(Request.slate_id))
        .outerjoin(Participant, col(Participant.id) == col(Slate.participant_id))
        .where(*where)
    )
    return with_arms(session, scope, frame_of(session, statement, KINDS))


def _counted(rows: Floats) -> Floats:
    values, codes = np.unique(rows[:, 0], return_inverse=True)
    times = np.bincount(codes, weights=rows[:, 1], minlength=len(values))
    return np.asarray(np.column_stack([values, times])[times != 0], dtype=np.float64)
