"""The rows of a round's evidence: ratings, lists, answers, interactions and requests, as frames."""

from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import in_batches
from db.tables import (
    LONGEST_DURATION,
    Answer,
    Batch,
    BatchRow,
    Impression,
    Interaction,
    Rating,
    Request,
    Response,
    Slate,
)
from recux.suggest.columns import Floats, Ints, first_match, floats, integers
from recux.suggest.reading import Index, Row, Rows, known, moment, read, seconds


class Keys(NamedTuple):
    """Row numbers of the evidence's people, items and arms."""

    person: Index
    item: Index
    arm: Index


def ratings_of(session: Session, study_id: int, rounds: tuple[int, int], keys: Keys) -> pd.DataFrame:
    """Current ratings of batches `rounds` (first, last), as in `Evidence.ratings` but without position and arm."""
    r = Rating
    statement: Row = (
        sa.select(
            col(r.id), col(r.participant_id), col(r.item_id), known(col(r.slate_id), "slate"), col(r.rating),
            col(r.comment), moment(col(r.rated_at), "rated_at"), col(Batch.number).label("round"),
        )
        .join(BatchRow, (col(BatchRow.row_id) == col(r.id)) & (col(BatchRow.kind) == "rating"))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(col(r.study_id) == study_id, col(r.current), col(Batch.number).between(*rounds))
        .order_by(col(r.id))
    )  # fmt: skip
    found = read(session, statement)
    table = {
        "id": found["id"],
        "person": keys.person.numbers(found["participant_id"]),
        "item": keys.item.numbers(found["item_id"]),
        "slate": found["slate"],
        "rating": floats(found["rating"]),
        "comment": found["comment"],
        "round": found["round"],
        "at": seconds(found["rated_at"]),
    }
    return _of_people(table)


def _of_people(table: Rows, *, kept: object = None) -> pd.DataFrame:
    """The rows whose person is in the evidence, or that are `kept` anyway."""
    rows = (table["person"] >= 0) | (False if kept is None else kept)
    chosen = table if rows.all() else {name: values[rows] for name, values in table.items()}
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in chosen.items()})


def slates_of(session: Session, study_id: int, keys: Keys) -> Rows:
    """Every list that people saw, by `id`: its `person` and `arm`. One that waits for somebody is none of them."""
    s = Slate
    shown = col(s.served_at).is_not(None) | sa.exists().where(col(Rating.slate_id) == col(s.id))
    statement: Row = (
        sa.select(col(s.id), col(s.participant_id), known(col(s.arm_id), "arm_id"))
        .where(col(s.study_id) == study_id, shown)
        .order_by(col(s.id))
    )
    found = read(session, statement)
    person, arm = keys.person.numbers(found["participant_id"]), keys.arm.numbers(found["arm_id"])
    return {"id": found["id"], "person": person, "arm": arm}


def of_window(session: Session, study_id: int, slates: Rows, rated: sa.Select[Any, Any], before: datetime) -> Rows:
    """The lists that were served after `before` or that have any of these ratings: a later window's."""
    then = sa.select(col(Slate.id)).where(col(Slate.study_id) == study_id, col(Slate.served_at) > before)
    here = rated.with_only_columns(col(Rating.slate_id)).where(col(Rating.slate_id).is_not(None))
    kept = np.isin(slates["id"], np.concatenate([read(session, then)["id"], read(session, here)["slate_id"]]))
    return {name: values[kept] for name, values in slates.items()}


def impressions_of(session: Session, study_id: int, slates: Rows, keys: Keys) -> pd.DataFrame:
    """Every place of every list of the study's people, as described in `no_impressions`."""
    i = Impression
    statement: Row = (
        sa.select(col(i.slate_id), col(i.item_id), col(i.position))
        .where(col(i.slate_id).in_(sa.select(col(Slate.id)).where(col(Slate.study_id) == study_id)))
        .order_by(col(i.slate_id), col(i.position))
    )
    found = read(session, statement)
    number = Index(slates["id"]).numbers(found["slate_id"])
    table = {
        "slate": found["slate_id"],
        "person": _taken(slates["person"], number),
        "arm": _taken(slates["arm"], number),
        "item": keys.item.numbers(found["item_id"]),
        "position": found["position"].astype(np.float64),
    }
    return _of_people(table)


def _taken(values: Ints, number: Ints) -> Ints:
    """Values of these row numbers, -1 where the number is -1."""
    return np.append(values, -1)[number]


def arm_of_slates(slates: Rows, people: int) -> Ints:
    """Arm of each person's first list, -1 for none: imported lists may be all that says who is in which arm."""
    arm = np.full(people, -1, dtype=np.int64)
    rows = np.flatnonzero((slates["arm"] >= 0) & (slates["person"] >= 0))[::-1]
    arm[slates["person"][rows]] = slates["arm"][rows]  # of several the last one written counts, which is the first
    return arm


def with_slates(ratings: pd.DataFrame, impressions: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The ratings with the position and the arm of what was rated."""
    slate, item = integers(impressions["slate"]), integers(impressions["item"])
    order = np.lexsort((item, slate))
    place = first_match((slate[order], item[order]), (integers(ratings["slate"]), integers(ratings["item"])))
    number = np.append(order, -1)[place]
    arm = _taken(integers(impressions["arm"]), number)
    own = integers(people["arm"])[integers(ratings["person"])]
    position = np.append(floats(impressions["position"]), np.nan)[number]
    return ratings.assign(position=position, arm=np.where(arm >= 0, arm, own))


def answers_of(session: Session, study_id: int, rounds: tuple[int, int], keys: Keys) -> pd.DataFrame:
    """Answers of the window's batches; of repeated waves the last."""
    a = Answer
    statement: Row = (
        sa.select(
            col(a.id), col(Response.participant_id), col(Response.instrument), col(a.question), col(a.value),
            col(a.text), col(a.refused),
        )
        .join(Response, col(Response.id) == col(a.response_id))
        .where(
            col(a.study_id) == study_id,
            col(a.current),
            col(a.id).in_(in_batches("answer", study_id, rounds[1])),
            ~col(a.id).in_(in_batches("answer", study_id, rounds[0] - 1)),
        )
        .order_by(col(Response.wave), col(a.id))
    )  # fmt: skip
    found = read(session, statement)
    table = {
        "id": found["id"],
        "person": keys.person.numbers(found["participant_id"]),
        **{name: found[name] for name in ("instrument", "question", "text", "refused")},
        "value": floats(found["value"]),
    }
    return _of_people(table).drop_duplicates(["person", "instrument", "question"], keep="last").reset_index(drop=True)


def interactions_of(session: Session, study_id: int, keys: Keys) -> pd.DataFrame:
    """Which items people clicked and bought, as described in `no_interactions`."""
    i = Interaction
    statement: Row = sa.select(
        col(i.participant_id), col(i.item_id), (col(i.kind) == "purchase").label("bought")
    ).where(col(i.study_id) == study_id, col(i.kind).in_(["click", "purchase"]))
    found = read(session, statement)
    table = {
        "person": keys.person.numbers(found["participant_id"]),
        "item": keys.item.numbers(found["item_id"]),
        "kind": np.array(["click", "purchase"], dtype=object)[found["bought"].astype(np.int64)],
    }
    return _of_people(table)


def first_seen(session: Session, study_id: int, keys: Keys) -> Floats:
    """When each person first did anything with an item, in seconds; NaN for never, shape (people,)."""
    i = Interaction
    statement: Row = (
        sa.select(col(i.participant_id), moment(sa.func.min(col(i.occurred_at)), "at"))
        .where(col(i.study_id) == study_id)
        .group_by(col(i.participant_id))
    )
    return by_person(session, statement, keys.person)


def by_person(session: Session, statement: Row, person: Index) -> Floats:
    """The moment that a select has for each person, in seconds, shape (people,); NaN for none."""
    found = read(session, statement)
    values = np.full(person.size + 1, np.nan)  # the last entry serves people who are not in the evidence
    values[person.numbers(found["participant_id"])] = seconds(found["at"])
    return values[:-1]


def requests_of(session: Session, study_id: int, slates: Rows, keys: Keys, start: float | None) -> pd.DataFrame:
    """Requests for people in the evidence, and those that name nobody, after second `start` (None for all)."""
    q = Request
    times = () if start is None else (moment(col(q.requested_at), "requested_at"),)
    statement: Row = (
        sa.select(
            col(q.id), known(col(q.arm_id), "arm_id"), known(col(q.slate_id), "slate_id"), col(q.duration_ms),
            (col(q.outcome) != "ok").label("failed"), *times,
        )
        .where(col(q.study_id) == study_id)
        .order_by(col(q.id))
    )  # fmt: skip
    found = read(session, statement)
    number = Index(slates["id"]).numbers(found["slate_id"])
    own, person = keys.arm.numbers(found["arm_id"]), _taken(slates["person"], number)
    table = {
        "id": found["id"],
        "arm": np.where(own >= 0, own, _taken(slates["arm"], number)),
        "person": person,
        "duration_ms": np.minimum(floats(found["duration_ms"]), LONGEST_DURATION),
        "failed": found["failed"],
    }
    if start is None:
        return _of_people(table, kept=True)
    return _of_people(table, kept=(number < 0) & ~(seconds(found["requested_at"]) <= start))
