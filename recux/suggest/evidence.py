"""Reading a round's evidence from the database, once.

Ratings and answers are those of the round's batch and of all batches since the last change was made: what was fixed
must not be found again in old answers. People whose feedback does not count (withdrawn, test) are left out.
"""

from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of, counts, in_batches
from db.tables import (
    Answer,
    Arm,
    Batch,
    BatchRow,
    Figure,
    Impression,
    Interaction,
    Item,
    ModelVersion,
    Participant,
    Rating,
    Request,
    Response,
    Round,
    Slate,
    Study,
    Suggestion,
    SuggestionEvent,
)
from recux.suggest.frames import ArmInfo, Construct, Evidence, Ints, ModelFact, floats, in_confirmation_half, integers

Row = sa.Select[*tuple[Any, ...]]


def read_evidence(session: Session, round_: Round, *, rounds: tuple[int, int] | None = None) -> Evidence:
    """The evidence of a round: rows of batches `rounds` (first, last), by default all since the last change."""
    study = session.get_one(Study, round_.study_id)
    first, last = rounds or (first_round(session, round_), round_.number)
    arms = arms_of(session, round_.study_id)
    people = _people(session, study, arms, first, last)
    items = _items(session, round_.study_id)
    person, item = _index(people["row_id"]), _index(items["id"])
    impressions = _impressions(session, round_.study_id, person, item, arms)
    ratings = _ratings(session, round_.study_id, (first, last), person, item)
    people["arm"] = np.where(people["arm"] >= 0, people["arm"], _arm_of_slates(impressions, len(people)))
    interactions = _interactions(session, round_.study_id, person, item)
    people["experience"] = _experience(people, interactions, ratings)
    return Evidence(
        arms=tuple(ArmInfo(arm.key, arm.weight, arm.source) for arm in arms),
        people=people,
        ratings=_with_slates(ratings, impressions, people),
        items=items,
        answers=_answers(session, round_.study_id, (first, last), person),
        impressions=impressions,
        requests=_requests(session, round_.study_id, person, arms, ratings, since_start=first == 1),
        interactions=interactions,
        models=_models(session, round_),
        constructs=_constructs(session, round_.study_id),
        shares=_shares(session, round_),
        objectives=study.objectives,
        primary_metric=study.primary_metric,
        slate_size=study.slate_size,
        round_number=last,
    )


def first_round(session: Session, round_: Round) -> int:
    """The first round of the evidence: the one after the round whose suggestion was last put into practice."""
    done = (
        select(sa.func.max(Round.number))
        .join(Suggestion, col(Suggestion.round_id) == Round.id)
        .join(SuggestionEvent, col(SuggestionEvent.suggestion_id) == Suggestion.id)
        .where(
            Round.study_id == round_.study_id, col(Round.number) < round_.number, SuggestionEvent.kind == "implemented"
        )
    )
    return (session.exec(done).one() or 0) + 1


def _frame(session: Session, statement: Row, numeric: tuple[str, ...] = ()) -> pd.DataFrame:
    """A select as a frame; columns that are not named numeric stay objects, so that None stays None."""
    result = session.connection().execute(statement)
    names, rows = list(result.keys()), result.all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pd.DataFrame(
        {
            name: floats(list(values)) if name in numeric else pd.Series(list(values), dtype=object)
            for name, values in zip(names, columns, strict=True)
        }
    )


def _index(ids: pd.Series) -> pd.Series:
    return pd.Series(np.arange(len(ids)), index=integers(ids))


def _number(index: pd.Series, ids: Any) -> Ints:
    """Row number of each database id; -1 for ids that are not in the index, or missing."""
    wanted = pd.Index(pd.to_numeric(pd.Series(ids, dtype=object), errors="coerce").fillna(-1).astype("int64"))
    return np.asarray(index.index.get_indexer(wanted), dtype=np.int64)


def _people(session: Session, study: Study, arms: list[Arm], first: int, last: int) -> pd.DataFrame:
    """People who count; when the evidence starts later, without those who answered only before."""
    p = Participant
    statement: Row = (
        sa.select(
            col(p.id).label("row_id"), col(p.external_id), col(p.arm_id), col(p.cohort), col(p.language),
            col(p.attributes),
        )
        .where(col(p.study_id) == study.id, counts())
        .order_by(col(p.id))
    )  # fmt: skip
    if first > 1:
        ever, now = (_rated_in(study.id, low, high) for low, high in ((1, first - 1), (first, last)))
        statement = statement.where(col(p.id).in_(now) | ~col(p.id).in_(ever))
    found = _frame(session, statement)
    first_rounds = _first_rounds(session, study.id)
    attributes = [value or {} for value in found["attributes"]]
    return pd.DataFrame(
        {
            "row_id": integers(found["row_id"]),
            "id": integers(found["row_id"]),
            "arm": _number(_index(pd.Series([arm.id for arm in arms])), found["arm_id"]),
            "confirm": in_confirmation_half(study.salt, found["external_id"]),
            "first": [first_rounds.get(int(one), 0) for one in found["row_id"]],
            "cohort": found["cohort"],
            "language": found["language"],
            "device": pd.Series([_text(a.get("device")) for a in attributes], dtype=object),
            "stated": pd.Series([_text(a.get("experience")) for a in attributes], dtype=object),
        }
    )


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _rated_in(study_id: int | None, low: int, high: int) -> sa.Select[int]:
    return (
        sa.select(col(Rating.participant_id))
        .join(BatchRow, (col(BatchRow.row_id) == col(Rating.id)) & (col(BatchRow.kind) == "rating"))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(col(Batch.study_id) == study_id, col(Batch.number).between(low, high))
    )


def _first_rounds(session: Session, study_id: int | None) -> dict[int, int]:
    """Round of each participant's first rating."""
    statement: Row = (
        sa.select(col(Rating.participant_id), sa.func.min(col(Batch.number)))
        .join(BatchRow, (col(BatchRow.row_id) == col(Rating.id)) & (col(BatchRow.kind) == "rating"))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(col(Batch.study_id) == study_id)
        .group_by(col(Rating.participant_id))
    )
    return {int(person): int(number) for person, number in session.connection().execute(statement)}


def _experience(people: pd.DataFrame, interactions: pd.DataFrame, ratings: pd.DataFrame) -> pd.Series:
    """`new` or `returning`: as stated, else whether anything is known of them from before their first rating."""
    first = pd.Series(np.nan, index=range(len(people)))
    known = ratings.groupby("person")["at"].min()
    first[known.index] = known
    earlier = interactions[interactions["at"] < first.reindex(interactions["person"]).to_numpy()]
    stated = people["stated"].where(people["stated"].isin(["new", "returning"]), None)
    if earlier.empty:
        return stated.astype(object)
    derived = pd.Series(np.where(np.isin(np.arange(len(people)), earlier["person"]), "returning", "new"), dtype=object)
    return stated.where(stated.notna(), derived)


def _items(session: Session, study_id: int) -> pd.DataFrame:
    i = Item
    statement: Row = sa.select(
        col(i.id), col(i.title), col(i.description), col(i.category), col(i.tags), col(i.price), col(i.image_url)
    ).where(col(i.study_id) == study_id).order_by(col(i.id))  # fmt: skip
    found = _frame(session, statement)
    return found.assign(id=integers(found["id"]), tags=[len(tags or ()) for tags in found["tags"]])


def _ratings(
    session: Session, study_id: int, rounds: tuple[int, int], person: pd.Series, item: pd.Series
) -> pd.DataFrame:
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
    found = _frame(session, statement, numeric=("rating",))
    table = pd.DataFrame(
        {
            "id": integers(found["id"]),
            "person": _number(person, found["participant_id"]),
            "item": _number(item, found["item_id"]),
            "slate": pd.to_numeric(found["slate_id"]).fillna(-1).astype("int64"),
            "rating": found["rating"],
            "comment": found["comment"],
            "round": integers(found["round"]),
            "at": seconds(found["rated_at"]),
        }
    )
    return table[table["person"] >= 0].reset_index(drop=True)


def moment(column: Any, name: str) -> sa.ColumnElement[Any]:
    """A time left as the driver has it (text on SQLite): pandas parses a million of them much faster."""
    return sa.type_coerce(column, sa.Text()).label(name)


def seconds(times: pd.Series) -> Any:
    """Times as seconds since 1970, NaN where missing, shape (rows,)."""
    moments = pd.to_datetime(times, utc=True, format="ISO8601")
    return np.where(moments.isna(), np.nan, moments.dt.as_unit("us").astype("int64") / 1e6)


def _impressions(session: Session, study_id: int, person: pd.Series, item: pd.Series, arms: list[Arm]) -> pd.DataFrame:
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
    found = _frame(session, statement, numeric=("position",))
    table = pd.DataFrame(
        {
            "slate": integers(found["slate"]),
            "person": _number(person, found["participant_id"]),
            "arm": _number(_index(pd.Series([arm.id for arm in arms])), found["arm_id"]),
            "item": _number(item, found["item_id"]),
            "position": found["position"],
            "shown": found["shown"].to_numpy(dtype=bool),
        }
    )
    return table[table["person"] >= 0].reset_index(drop=True)


def _arm_of_slates(impressions: pd.DataFrame, people: int) -> Ints:
    arm = np.full(people, -1, dtype=np.int64)
    known = impressions[impressions["arm"] >= 0].drop_duplicates("person")
    arm[integers(known["person"])] = integers(known["arm"])
    return arm


def _with_slates(ratings: pd.DataFrame, impressions: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The ratings with the position and the arm of what was rated."""
    places = impressions[["slate", "item", "position", "arm"]].drop_duplicates(["slate", "item"])
    joined = ratings.merge(places, on=["slate", "item"], how="left")
    own = integers(people["arm"])[integers(joined["person"])]
    joined["arm"] = np.where(joined["arm"].fillna(-1) >= 0, joined["arm"].fillna(-1), own).astype(np.int64)
    return joined


def _answers(session: Session, study_id: int, rounds: tuple[int, int], person: pd.Series) -> pd.DataFrame:
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
    found = _frame(session, statement, numeric=("value",))
    table = pd.DataFrame(
        {
            "id": integers(found["id"]),
            "person": _number(person, found["participant_id"]),
            "instrument": found["instrument"],
            "question": found["question"],
            "value": found["value"],
            "text": found["text"],
            "refused": found["refused"].to_numpy(dtype=bool),
        }
    )
    known: pd.DataFrame = table[table["person"] >= 0]
    return known.drop_duplicates(["person", "instrument", "question"], keep="last").reset_index(drop=True)


def _interactions(session: Session, study_id: int, person: pd.Series, item: pd.Series) -> pd.DataFrame:
    i = Interaction
    statement: Row = sa.select(
        col(i.participant_id), col(i.item_id), col(i.kind), moment(col(i.occurred_at), "occurred_at")
    ).where(col(i.study_id) == study_id)
    found = _frame(session, statement)
    table = pd.DataFrame(
        {
            "person": _number(person, found["participant_id"]),
            "item": _number(item, found["item_id"]),
            "kind": found["kind"],
            "at": seconds(found["occurred_at"]),
        }
    )
    return table[table["person"] >= 0].reset_index(drop=True)


def _requests(
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
    found = _frame(session, statement, numeric=("duration_ms",))
    numbers = _index(pd.Series([arm.id for arm in arms]))
    own, of_slate = _number(numbers, found["arm_id"]), _number(numbers, found["slate_arm"])
    table = pd.DataFrame(
        {
            "id": integers(found["id"]),
            "arm": np.where(own >= 0, own, of_slate),
            "person": _number(person, found["participant_id"]),
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


def _models(session: Session, round_: Round) -> tuple[ModelFact, ...]:
    """Models of this round and of the one before."""
    rows = session.exec(
        select(ModelVersion, Round.number)
        .join(Round, col(Round.id) == ModelVersion.round_id)
        .where(Round.study_id == round_.study_id, col(Round.number).between(round_.number - 1, round_.number))
        .order_by(col(ModelVersion.id))
    )
    return tuple(ModelFact(m.head, m.name, m.baseline, m.champion, m.metrics, number) for m, number in rows)


def _shares(session: Session, round_: Round) -> dict[str, float]:
    rows = session.exec(
        select(Figure).where(Figure.round_id == round_.id, Figure.section == "data_quality", Figure.arm == "")
    )
    measured = {row.metric: row.value for row in rows if row.value is not None}
    share = round_.config.get("unknown_token_share")  # of the texts that the round's encoder was trained on
    return measured if share is None else {"unknown_token_share": float(share), **measured}


def _constructs(session: Session, study_id: int) -> tuple[Construct, ...]:
    """Constructs of the instruments that were answered and that recux knows."""
    from recux.instruments import available, load

    used = session.exec(select(Response.instrument).where(Response.study_id == study_id).distinct())
    known = set(available())
    found = []
    for instrument in (load(name) for name in sorted(used) if name in known):
        for construct in instrument.constructs:
            questions = [instrument.question(name) for name in construct.questions]
            low, high = questions[0].bounds
            turned = tuple(question.reverse for question in questions)
            found.append(Construct(instrument.id, construct.name, construct.questions, turned, float(low), float(high)))
    return tuple(found)
