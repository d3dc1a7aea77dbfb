"""Reading a round's evidence from the database, once.

Ratings and answers are those of the round's batch and of all batches since the last change was made: what was fixed
must not be found again in old answers. People whose feedback does not count (withdrawn, test) are left out.
"""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of, counts
from db.tables import (
    Batch,
    BatchRow,
    Figure,
    Item,
    ModelVersion,
    Participant,
    Rating,
    Response,
    Round,
    Slate,
    Study,
    Suggestion,
    SuggestionEvent,
)
from recux.questionnaires import instruments_of
from recux.suggest.columns import Floats, Ints, floats, integers
from recux.suggest.frames import ArmInfo, Construct, Evidence, ModelFact, in_confirmation_half
from recux.suggest.reading import Index, Row, known, read
from recux.suggest.rows import (
    Keys,
    answers_of,
    arm_of_slates,
    first_seen,
    impressions_of,
    interactions_of,
    of_window,
    ratings_of,
    requests_of,
    slates_of,
    with_slates,
)

NEVER = 2**31 - 1
"""No round has this number."""
A_VISIT = 1800.0
"""Seconds without doing anything after which web analytics counts a new visit."""


def read_evidence(session: Session, round_: Round, *, rounds: tuple[int, int] | None = None) -> Evidence:
    """The evidence of a round: rows of batches `rounds` (first, last), by default all since the last change."""
    study = session.get_one(Study, round_.study_id)
    first, last = rounds or (first_round(session, round_), round_.number)
    arms = arms_of(session, round_.study_id)
    before = _end_of(session, round_.study_id, first - 1) if first > 1 else None
    items, people = _items(session, round_.study_id), _people(session, study, (first, last), before)
    keys = Keys(Index(people["id"]), Index(items["id"]), Index(arm.id for arm in arms))
    slates = slates_of(session, round_.study_id, keys)
    if before is not None:
        slates = of_window(session, round_.study_id, slates, _rated_in(round_.study_id, (first, last)), before)
    impressions = impressions_of(session, round_.study_id, slates, keys)
    ratings = ratings_of(session, round_.study_id, (first, last), keys)
    people["first"] = _first_rounds(session, round_.study_id, (first, last), ratings, keys)
    own = keys.arm.numbers(integers(people["arm"]))
    people["arm"] = np.where(own >= 0, own, arm_of_slates(slates, len(people)))
    people["experience"] = _experience(people, first_seen(session, round_.study_id, keys), ratings)
    return Evidence(
        arms=tuple(ArmInfo(arm.key, arm.weight, arm.source) for arm in arms),
        people=people,
        ratings=with_slates(ratings, impressions, people),
        items=items,
        answers=answers_of(session, round_.study_id, (first, last), keys),
        impressions=impressions,
        requests=requests_of(session, round_.study_id, slates, keys, None if before is None else before.timestamp()),
        interactions=interactions_of(session, round_.study_id, keys),
        models=_models(session, round_),
        constructs=_constructs(session, study),
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


def _end_of(session: Session, study_id: int, round_: int) -> datetime | None:
    """When the last rating up to a round was given, None when that is not known."""
    last = _rated_in(study_id, (1, round_)).with_only_columns(sa.func.max(col(Rating.rated_at)))
    return session.connection().execute(last).scalar_one()


def _people(session: Session, study: Study, rounds: tuple[int, int], before: datetime | None) -> pd.DataFrame:
    """People who count; when the evidence starts later, without those who answered, or were shown a list and left, up
    to `before`.
    """
    p, (first, last) = Participant, rounds
    statement: Row = (
        sa.select(
            col(p.id), col(p.external_id), known(col(p.arm_id), "arm"), col(p.cohort), col(p.language),
            *(col(p.attributes)[name].as_string().label(name) for name in ("device", "experience")),
        )
        .where(col(p.study_id) == study.id, counts())
        .order_by(col(p.id))
    )  # fmt: skip
    if first > 1:
        ever, now = (_rated_in(study.id, (low, high)) for low, high in ((1, first - 1), (first, last)))
        statement = statement.where(
            col(p.id).in_(now.with_only_columns(col(Rating.participant_id)))
            | ~col(p.id).in_(ever.with_only_columns(col(Rating.participant_id)))
        )
    if before is not None:
        old = sa.select(col(Slate.participant_id)).where(
            col(Slate.study_id) == study.id, col(Slate.served_at) <= before
        )
        rated = now.with_only_columns(col(Rating.participant_id))
        statement = statement.where(col(p.id).in_(rated) | ~col(p.id).in_(old))
    found = read(session, statement)
    texts = {
        name: pd.Series([None if one in (None, "") else str(one) for one in found[name]], dtype=object)
        for name in ("cohort", "language", "device", "experience")
    }
    confirm = in_confirmation_half(study.salt, found["external_id"])
    return pd.DataFrame({"id": found["id"], "arm": found["arm"], "confirm": confirm, **texts})


def _rated_in(study_id: int | None, rounds: tuple[int, int]) -> sa.Select[Any, Any]:
    """Who rated in which round, of rounds (first, last), whether the rating still counts or was changed since."""
    return (
        sa.select(col(Rating.participant_id), col(Batch.number).label("round"))
        .join(BatchRow, (col(BatchRow.row_id) == col(Rating.id)) & (col(BatchRow.kind) == "rating"))
        .join(Batch, col(Batch.id) == col(BatchRow.batch_id))
        .where(col(Batch.study_id) == study_id, col(Batch.number).between(*rounds))
    )


def _first_rounds(session: Session, study_id: int, rounds: tuple[int, int], ratings: pd.DataFrame, keys: Keys) -> Ints:
    """Round of each person's first rating, 0 for none: of the ratings that were read, those changed since, and those
    of all other rounds.
    """
    first = np.full(keys.person.size + 1, NEVER)
    np.minimum.at(first, integers(ratings["person"]), integers(ratings["round"]))
    changed = _rated_in(study_id, (1, NEVER)).where(~col(Rating.current))
    others = [_rated_in(study_id, (low, high)) for low, high in ((1, rounds[0] - 1), (rounds[1] + 1, NEVER))]
    for statement in (changed, *others):
        found = read(session, statement)
        np.minimum.at(first, keys.person.numbers(found["participant_id"]), found["round"])
    return np.where(first == NEVER, 0, first)[:-1]  # the last entry serves people who are not in the evidence


def _experience(people: pd.DataFrame, seen: Floats, ratings: pd.DataFrame) -> pd.Series:
    """`new` or `returning`: as stated, else whether anything is known of them from an earlier visit than that of their
    first rating. A click on what they then rate is none. `seen` says when they did something first.
    """
    first = np.full(len(people), np.inf)
    np.fmin.at(first, integers(ratings["person"]), floats(ratings["at"]))
    stated = people["experience"].where(people["experience"].isin(["new", "returning"]), None)
    earlier = (seen < first - A_VISIT) & np.isfinite(first)
    if not earlier.any():
        return stated.astype(object)
    return stated.where(stated.notna(), pd.Series(np.where(earlier, "returning", "new"), dtype=object))


def _items(session: Session, study_id: int) -> pd.DataFrame:
    i = Item
    statement: Row = sa.select(
        col(i.id), col(i.title), col(i.description), col(i.category), col(i.tags), col(i.price), col(i.image_url)
    ).where(col(i.study_id) == study_id).order_by(col(i.id))  # fmt: skip
    found = read(session, statement)
    columns = {name: pd.Series(values, dtype=values.dtype) for name, values in found.items()}
    return pd.DataFrame({**columns, "tags": [len(tags or ()) for tags in found["tags"]]})


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


def _constructs(session: Session, study: Study) -> tuple[Construct, ...]:
    """Constructs of the instruments that were answered, as the study was launched with them."""
    used = set(session.exec(select(Response.instrument).where(Response.study_id == study.id).distinct()))
    found = []
    for instrument in (one for name, one in sorted(instruments_of(session, study).items()) if name in used):
        for construct in instrument.constructs:
            questions = [instrument.question(name) for name in construct.questions]
            low, high = questions[0].bounds
            turned = tuple(question.reverse for question in questions)
            found.append(Construct(instrument.id, construct.name, construct.questions, turned, float(low), float(high)))
    return tuple(found)
