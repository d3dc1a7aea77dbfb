"""Reading a round's evidence from the database, once.

Ratings and answers are those of the round's batch and of all batches since the last change was made: what was fixed
must not be found again in old answers. People whose feedback does not count (withdrawn, test) are left out.
"""

from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of, counts
from db.tables import (
    Arm,
    Batch,
    BatchRow,
    Figure,
    Item,
    ModelVersion,
    Participant,
    Rating,
    Response,
    Round,
    Study,
    Suggestion,
    SuggestionEvent,
)
from recux.questionnaires import instruments_of
from recux.suggest.columns import integers
from recux.suggest.frames import ArmInfo, Construct, Evidence, ModelFact, in_confirmation_half
from recux.suggest.reading import Row, index_of, numbers, read
from recux.suggest.rows import (
    answers_of,
    arm_of_slates,
    impressions_of,
    interactions_of,
    ratings_of,
    requests_of,
    with_slates,
)


def read_evidence(session: Session, round_: Round, *, rounds: tuple[int, int] | None = None) -> Evidence:
    """The evidence of a round: rows of batches `rounds` (first, last), by default all since the last change."""
    study = session.get_one(Study, round_.study_id)
    first, last = rounds or (first_round(session, round_), round_.number)
    arms = arms_of(session, round_.study_id)
    people = _people(session, study, arms, first, last)
    items = _items(session, round_.study_id)
    person, item = index_of(people["row_id"]), index_of(items["id"])
    impressions = impressions_of(session, round_.study_id, person, item, arms)
    ratings = ratings_of(session, round_.study_id, (first, last), person, item)
    people["arm"] = np.where(people["arm"] >= 0, people["arm"], arm_of_slates(impressions, len(people)))
    interactions = interactions_of(session, round_.study_id, person, item)
    people["experience"] = _experience(people, interactions, ratings)
    return Evidence(
        arms=tuple(ArmInfo(arm.key, arm.weight, arm.source) for arm in arms),
        people=people,
        ratings=with_slates(ratings, impressions, people),
        items=items,
        answers=answers_of(session, round_.study_id, (first, last), person),
        impressions=impressions,
        requests=requests_of(session, round_.study_id, person, arms, ratings, since_start=first == 1),
        interactions=interactions,
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
    found = read(session, statement)
    first_rounds = _first_rounds(session, study.id)
    attributes = [value or {} for value in found["attributes"]]
    return pd.DataFrame(
        {
            "row_id": integers(found["row_id"]),
            "id": integers(found["row_id"]),
            "arm": numbers(index_of(pd.Series([arm.id for arm in arms])), found["arm_id"]),
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
    found = read(session, statement)
    return found.assign(id=integers(found["id"]), tags=[len(tags or ()) for tags in found["tags"]])


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
