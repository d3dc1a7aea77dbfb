"""The rows of a round's evidence: ratings, lists, answers, interactions and requests, as frames."""

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import in_batches
from db.tables import Answer, Arm, Batch, BatchRow, Impression, Interaction, Rating, Request, Response, Slate
from recux.suggest.columns import Ints, integers
from recux.suggest.reading import Row, index_of, moment, numbers, read, seconds


def ratings_of(
    session: Session, study_id: int, rounds: tuple[int, int], person: pd.Series, item: pd.Series
) -> pd.DataFrame:
    """Current ratings of batches `rounds` (first, last), as in `Evidence.ratings` but without position and arm."""
    r = Rating
    statement: Row = (
        sa.select(
            col(r.id), col(r.participant_id), col(r.item_id), col(r.slate_id), col(r.rating), col(r.comment),
            moment(col(r.rated_at), "rated_at"), col(Batch.number).label("round"),
        )
        .join(BatchRow, (col(BatchRow.row_id) == col(r.id)) & (col(BatchRow.kind) == "rating"))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(col(r.study_id) == study_id, col(r.current), col(Batch.number).between(*rounds))
        .order_by(col(r.id))
    )  # fmt: skip
    found = read(session, statement, numeric=("rating",))
    table = pd.DataFrame(
        {
            "id": integers(found["id"]),
            "person": numbers(person, found["participant_id"]),
            "item": numbers(item, found["item_id"]),
            "slate": pd.to_numeric(found["slate_id"]).fillna(-1).astype("int64"),
            "rating": found["rating"],
            "comment": found["comment"],
            "round": integers(found["round"]),
            "at": seconds(found["rated_at"]),
        }
    )
    return table[table["person"] >= 0].reset_index(drop=True)


def impressions_of(
    session: Session, study_id: int, person: pd.Series, item: pd.Series, arms: list[Arm]
) -> pd.DataFrame:
    """Every place of every list of the study's people, as described in `no_impressions`."""
    shown = col(Impression.shown_at).is_not(None) | col(Slate.served_at).is_not(None)
    statement: Row = (
        sa.select(
            col(Slate.id).label("slate"), col(Slate.participant_id), col(Slate.arm_id), col(Impression.item_id),
            col(Impression.position), shown.label("shown"),
        )
        .join(Impression, col(Impression.slate_id) == col(Slate.id))
        .where(col(Slate.study_id) == study_id)
        .order_by(col(Slate.id), col(Impression.position))
    )  # fmt: skip
    found = read(session, statement, numeric=("position",))
    table = pd.DataFrame(
        {
            "slate": integers(found["slate"]),
            "person": numbers(person, found["participant_id"]),
            "arm": numbers(index_of(pd.Series([arm.id for arm in arms])), found["arm_id"]),
            "item": numbers(item, found["item_id"]),
            "position": found["position"],
            "shown": found["shown"].to_numpy(dtype=bool),
        }
    )
    return table[table["person"] >= 0].reset_index(drop=True)


def arm_of_slates(impressions: pd.DataFrame, people: int) -> Ints:
    """Arm of each person's first list, -1 for none: imported lists may be all that says who is in which arm."""
    arm = np.full(people, -1, dtype=np.int64)
    known = impressions[impressions["arm"] >= 0].drop_duplicates("person")
    arm[integers(known["person"])] = integers(known["arm"])
    return arm


def with_slates(ratings: pd.DataFrame, impressions: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The ratings with the position and the arm of what was rated."""
    places = impressions[["slate", "item", "position", "arm"]].drop_duplicates(["slate", "item"])
    joined = ratings.merge(places, on=["slate", "item"], how="left")
    own = integers(people["arm"])[integers(joined["person"])]
    joined["arm"] = np.where(joined["arm"].fillna(-1) >= 0, joined["arm"].fillna(-1), own).astype(np.int64)
    return joined


def answers_of(session: Session, study_id: int, rounds: tuple[int, int], person: pd.Series) -> pd.DataFrame:
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
    found = read(session, statement, numeric=("value",))
    table = pd.DataFrame(
        {
            "id": integers(found["id"]),
            "person": numbers(person, found["participant_id"]),
            "instrument": found["instrument"],
            "question": found["question"],
            "value": found["value"],
            "text": found["text"],
            "refused": found["refused"].to_numpy(dtype=bool),
        }
    )
    known: pd.DataFrame = table[table["person"] >= 0]
    return known.drop_duplicates(["person", "instrument", "question"], keep="last").reset_index(drop=True)


def interactions_of(session: Session, study_id: int, person: pd.Series, item: pd.Series) -> pd.DataFrame:
    """What people did with items, as described in `no_interactions`, with the time in seconds."""
    i = Interaction
    statement: Row = sa.select(
        col(i.participant_id), col(i.item_id), col(i.kind), moment(col(i.occurred_at), "occurred_at")
    ).where(col(i.study_id) == study_id)
    found = read(session, statement)
    table = pd.DataFrame(
        {
            "person": numbers(person, found["participant_id"]),
            "item": numbers(item, found["item_id"]),
            "kind": found["kind"],
            "at": seconds(found["occurred_at"]),
        }
    )
    return table[table["person"] >= 0].reset_index(drop=True)


def requests_of(
    session: Session, study_id: int, person: pd.Series, arms: list[Arm], ratings: pd.DataFrame, *, since_start: bool
) -> pd.DataFrame:
    """Requests for people in the evidence, and those that name nobody, from its first rating on."""
    q = Request
    statement: Row = (
        sa.select(
            col(q.id), col(q.arm_id), col(q.slate_id), col(Slate.participant_id), col(Slate.arm_id).label("slate_arm"),
            col(q.duration_ms), col(q.outcome), moment(col(q.requested_at), "requested_at"),
        )
        .join(Slate, col(Slate.id) == col(q.slate_id), isouter=True)
        .where(col(q.study_id) == study_id)
        .order_by(col(q.id))
    )  # fmt: skip
    found = read(session, statement, numeric=("duration_ms",))
    keys = index_of(pd.Series([arm.id for arm in arms]))
    own, of_slate = numbers(keys, found["arm_id"]), numbers(keys, found["slate_arm"])
    table = pd.DataFrame(
        {
            "id": integers(found["id"]),
            "arm": np.where(own >= 0, own, of_slate),
            "person": numbers(person, found["participant_id"]),
            "duration_ms": found["duration_ms"],
            "failed": (found["outcome"] != "ok").to_numpy(dtype=bool),
        }
    )
    if since_start:
        return table
    start = ratings["at"].min() if len(ratings) else np.nan
    anonymous_now = found["participant_id"].isna() & ~(seconds(found["requested_at"]) < start)
    kept: pd.DataFrame = table[(table["person"] >= 0) | anonymous_now]
    return kept.reset_index(drop=True)
