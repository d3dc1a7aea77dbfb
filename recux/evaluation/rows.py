"""Rows of a study as data frames, each read by one query.

People are known by their row id here; ``arm`` is the arm's key, empty for nobody's. Withdrawn and test people are
never in any of them. A slate's arm counts before its person's, so that crossover designs come out right.
"""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import (
    LONGEST_DURATION,
    Answer,
    Arm,
    Batch,
    BatchRow,
    Impression,
    Interaction,
    Item,
    Participant,
    Rating,
    Request,
    Response,
    Slate,
    Study,
)
from recux.evaluation.frames import among, arm, frame_of, moment, of_study, span, with_arms, within
from recux.evaluation.scope import Scope, arm_keys

NO_SLATE = 0
"""Stands for "no slate was named" in the ``slate`` column; row ids start at 1."""

ONE_ARRIVAL = timedelta(seconds=5)
"""People who are imported together come within this time of each other."""

RATING = {"id": "int64", "participant": "int64", "item": "int64", "slate": "int64", "arm": "int64", "rating": "float64"}
ANSWER = {
    "id": "int64",
    "response": "int64",
    "participant": "int64",
    "arm": "int64",
    "instrument": "str",
    "wave": "int64",
    "question": "str",
    "value": "float64",
    "worded": "bool",
    "refused": "bool",
}
IMPRESSION = {
    "slate": "int64",
    "participant": "int64",
    "arm": "int64",
    "item": "int64",
    "position": "int64",
    "score": "float64",
    "shown": "bool",
}


def people(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``participant``, ``external_id``, ``arm``, ``cohort``, ``created_at``, ``finished_at``; of everybody who
    was there by the end of the scope.
    """
    came = sa.true() if scope.until is None else col(Participant.created_at) <= scope.until
    statement: sa.Select[*tuple[Any, ...]] = sa.select(
        col(Participant.id).label("participant"),
        col(Participant.external_id),
        arm(col(Participant.arm_id)),
        sa.func.coalesce(col(Participant.cohort), "").label("cohort"),
        moment(col(Participant.created_at)).label("created_at"),
        moment(col(Participant.finished_at)).label("finished_at"),
    ).where(of_study(session, scope, col(Participant.study_id), col(Participant.id)), counts(), came)
    kinds = {"participant": "int64", "external_id": "str", "arm": "int64", "cohort": "str"}
    return with_arms(session, scope, frame_of(session, statement, kinds, moments=("created_at", "finished_at")))


def items(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``item``, ``category`` (empty when unknown) and ``tags`` (lists)."""
    statement: sa.Select[*tuple[Any, ...]] = sa.select(
        col(Item.id).label("item"), sa.func.coalesce(col(Item.category), "").label("category"), col(Item.tags)
    ).where(col(Item.study_id) == scope.study)
    return frame_of(session, statement, {"item": "int64", "category": "str"})


def ratings(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``id``, ``participant``, ``item``, ``slate`` (NO_SLATE: none), ``arm``, ``rating``, ``moment``.

    The last revision of each, within the batches when the scope names some; ``moment`` is when it was given, or
    received where that is unknown.
    """
    statement: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            col(Rating.id),
            col(Rating.participant_id).label("participant"),
            col(Rating.item_id).label("item"),
            sa.func.coalesce(col(Rating.slate_id), NO_SLATE).label("slate"),
            arm(sa.func.coalesce(col(Slate.arm_id), col(Participant.arm_id))),
            col(Rating.rating),
            moment(sa.func.coalesce(col(Rating.rated_at), col(Rating.received_at))).label("moment"),
        )
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .outerjoin(Slate, col(Slate.id) == col(Rating.slate_id))
        .where(of_study(session, scope, col(Rating.study_id), col(Rating.participant_id)), counts())
    )
    if scope.last is None:
        current = frame_of(session, statement.where(col(Rating.current)), RATING, moments=("moment",))
        return with_arms(session, scope, current)
    statement = statement.add_columns(col(Rating.row_key)).where(member("rating", col(Rating.id), scope))
    frame = frame_of(session, statement, RATING, moments=("moment",)).sort_values("id", ignore_index=True)
    last = frame.drop_duplicates("row_key", keep="last", ignore_index=True).drop(columns="row_key")
    return with_arms(session, scope, last)


def answers(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``id``, ``response``, ``participant``, ``arm``, ``instrument``, ``wave``, ``question``, ``value``
    (NaN: none), ``worded`` (a text was given), ``refused``, ``moment``; the last revision of each.

    In a crossover study the arm is that of the list they were about; what was asked once, about both, has none.
    """
    statement: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            col(Answer.id),
            col(Answer.response_id).label("response"),
            col(Response.participant_id).label("participant"),
            arm(_answers_arm(session, scope)),
            col(Response.instrument),
            col(Response.wave),
            col(Answer.question),
            col(Answer.value),
            sa.func.coalesce(sa.func.length(col(Answer.text)) > 0, sa.false()).label("worded"),
            col(Answer.refused),
            moment(sa.func.coalesce(col(Answer.answered_at), col(Answer.received_at))).label("moment"),
        )
        .join(Response, col(Response.id) == col(Answer.response_id))
        .join(Participant, col(Participant.id) == col(Response.participant_id))
        .where(of_study(session, scope, col(Answer.study_id), col(Response.participant_id)), counts())
    )
    wanted = col(Answer.current) if scope.last is None else member("answer", col(Answer.id), scope)
    frame = frame_of(session, statement.where(wanted), ANSWER, moments=("moment",)).sort_values("id", ignore_index=True)
    last = frame.drop_duplicates(["response", "question"], keep="last", ignore_index=True)
    return with_arms(session, scope, last)


def _answers_arm(session: Session, scope: Scope) -> sa.ColumnElement[Any]:
    study = session.get_one(Study, scope.study)
    own: sa.ColumnElement[Any] = sa.type_coerce(col(Participant.arm_id), sa.Integer)
    if study.design != "crossover":
        return own
    of_list = sa.case((col(Response.wave) == 2, col(Participant.second_arm_id)), else_=own)
    return sa.case((col(Response.instrument).in_(study.per_list), of_list), else_=sa.null())


def impressions(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``slate``, ``participant``, ``arm``, ``item``, ``position``, ``score`` (NaN: none), ``shown`` (its time
    is known), ``served_at``; of every slate, served or not, that is not outside the scope's time. The position is the
    recommender's, whatever order was drawn for the page: figures of the order are about the recommender.
    """
    statement = (
        sa.select(
            col(Impression.slate_id).label("slate"),
            col(Slate.participant_id).label("participant"),
            arm(sa.func.coalesce(col(Slate.arm_id), col(Participant.arm_id))),
            col(Impression.item_id).label("item"),
            sa.func.coalesce(col(Impression.rank), col(Impression.position)).label("position"),
            col(Impression.score),
            col(Impression.shown_at).is_not(None).label("shown"),
            moment(col(Slate.served_at)).label("served_at"),
        )
        .join(Slate, col(Slate.id) == col(Impression.slate_id))
        .join(Participant, col(Participant.id) == col(Slate.participant_id))
        .where(_slates(session, scope), counts())
    )
    return with_arms(session, scope, frame_of(session, statement, IMPRESSION, moments=("served_at",)))


def _slates(session: Session, scope: Scope) -> sa.ColumnElement[bool]:
    """The slate is the scope's; those of one batch are looked up by their time, or for having none."""
    if scope.people is not None or scope.after is None:
        here = of_study(session, scope, col(Slate.study_id), col(Slate.participant_id))
        return sa.and_(here, within(col(Slate.served_at), scope))
    times = span(col(Slate.served_at), scope), col(Slate.served_at).is_(None)
    parts = [sa.select(col(Slate.id)).where(col(Slate.study_id) == scope.study, time) for time in times]
    return sa.ColumnElement.in_(col(Slate.id), sa.union_all(*parts))


def interactions(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``participant``, ``item``, ``slate`` (NO_SLATE: none), ``kind``, ``moment``."""
    statement = (
        sa.select(
            col(Interaction.participant_id).label("participant"),
            col(Interaction.item_id).label("item"),
            sa.func.coalesce(col(Interaction.slate_id), NO_SLATE).label("slate"),
            col(Interaction.kind),
            moment(col(Interaction.occurred_at)).label("moment"),
        )
        .join(Participant, col(Participant.id) == col(Interaction.participant_id))
        .where(of_study(session, scope, col(Interaction.study_id), col(Interaction.participant_id)), counts())
        .where(within(col(Interaction.occurred_at), scope))
    )
    kinds = {"participant": "int64", "item": "int64", "slate": "int64", "kind": "str"}
    return frame_of(session, statement, kinds, moments=("moment",))


def requests(session: Session, scope: Scope) -> pd.DataFrame:
    """Columns ``id``, ``arm``, ``participant`` (0: unknown), ``duration_ms`` (at most LONGEST_DURATION), ``failed``,
    ``moment``.
    """
    statement = (
        sa.select(
            col(Request.id),
            arm(col(Request.arm_id)),
            sa.func.coalesce(col(Slate.participant_id), 0).label("participant"),
            col(Request.duration_ms),
            (col(Request.outcome) != "ok").label("failed"),
            moment(col(Request.requested_at)).label("moment"),
        )
        .outerjoin(Slate, col(Slate.id) == col(Request.slate_id))
        .outerjoin(Participant, col(Participant.id) == col(Slate.participant_id))
        .where(calls_of_study(session, scope), sa.or_(col(Participant.id).is_(None), counts()))
        .where(span(col(Request.requested_at), scope))
    )
    kinds = {"id": "int64", "arm": "int64", "participant": "int64", "duration_ms": "float64", "failed": "bool"}
    found = frame_of(session, statement, kinds, moments=("moment",))
    found["duration_ms"] = found["duration_ms"].clip(upper=LONGEST_DURATION)
    return with_arms(session, scope, found)


def calls_of_study(session: Session, scope: Scope) -> sa.ColumnElement[bool]:
    """The call is of the scope's study, or for one of its people where it names some."""
    if scope.people is None:
        return sa.ColumnElement.__eq__(col(Request.study_id), scope.study)
    lists = sa.select(col(Slate.id)).where(among(session, col(Slate.participant_id), scope.people))
    return sa.ColumnElement.in_(col(Request.slate_id), lists)


def people_by_arm(session: Session, scope: Scope) -> dict[str, int]:
    """How many people each arm has (in a crossover: as their first), of those who count and came within the scope.

    Where an arm that takes people opened after a batch had been closed, as one that tries a change does, only people
    who came since it opened are counted: only between those did chance decide with the planned weights.
    """
    arm_id = col(Participant.arm_id)
    mine = [col(Participant.study_id) == scope.study, counts()]
    if scope.until is not None:
        mine.append(col(Participant.created_at) <= scope.until)
    since = _all_open_since(session, scope, mine)
    if since is not None:
        mine.append(col(Participant.created_at) >= since)
    statement = sa.select(sa.func.coalesce(arm_id, 0), sa.func.count()).where(*mine).group_by(arm_id)
    keys = {0: "", **arm_keys(session, scope.study)}
    return {keys.get(int(row[0]), ""): int(row[1]) for row in session.connection().execute(statement)}


def _all_open_since(session: Session, scope: Scope, mine: list[sa.ColumnElement[bool]]) -> datetime | None:
    """When the last of the arms that take people got its first one; None if that was before any batch was closed."""
    first = sa.func.min(col(Participant.created_at)).label("first")
    arrivals = (
        sa.select(first)
        .join(Arm, col(Arm.id) == col(Participant.arm_id))
        .where(*mine, col(Arm.weight) > 0)
        .group_by(col(Participant.arm_id))
        .subquery()
    )
    earliest = sa.select(sa.func.min(col(Batch.closed_at))).where(col(Batch.study_id) == scope.study)
    last, closed = (
        session.connection()
        .execute(sa.select(sa.select(sa.func.max(arrivals.c.first)).scalar_subquery(), earliest.scalar_subquery()))
        .one()
    )
    return last - ONE_ARRIVAL if last is not None and closed is not None and last > closed else None


def member(kind: str, row_id: Any, scope: Scope) -> sa.ColumnElement[bool]:
    """The row is in one of the scope's batches."""
    here = col(Batch.study_id) == scope.study, col(Batch.number).between(scope.first, scope.last)
    if scope.first == scope.last and scope.people is None:
        only = sa.select(col(Batch.id)).where(*here).scalar_subquery()
        return sa.ColumnElement.in_(row_id, rows_in_batch(kind, only))
    members = (
        sa.select(col(BatchRow.row_id))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(col(BatchRow.kind) == kind, *here)
    )
    if scope.people is not None:  # few rows: look each one up
        return members.where(col(BatchRow.row_id) == row_id).exists()
    return sa.ColumnElement.in_(row_id, members)


def rows_in_batch(kind: str, batch_id: Any) -> sa.Select[*tuple[Any, ...]]:
    """Ids of a batch's rows of one kind, written so that SQLite finds them by the batch whatever it knows of the sizes:
    it would read all rows of the kind otherwise.
    """
    mine = col(BatchRow.batch_id).between(batch_id, batch_id)
    return sa.select(col(BatchRow.row_id)).where(mine, sa.func.lower(col(BatchRow.kind)) == kind)
