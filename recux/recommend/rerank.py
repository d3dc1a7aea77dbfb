"""Slates that the worker prepares with the fine-tuned model, so that serving one costs a page nothing."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from db.queries import counts
from db.tables import Arm, Impression, Item, Participant, Slate, Study
from recux.errors import InvalidInput
from recux.recommend.catalogue import Catalogue, catalogue_of
from recux.recommend.options import options_of
from recux.recommend.order import Columns, Floats, diversified, pool_for, ranked
from recux.recommend.people import met_by, seed_of
from recux.recommend.reasons import Reason, in_words
from recux.recommend.scores import content, popularity
from recux.recommend.writing import Chosen, write_slate

Score = Callable[[list[tuple[Participant, Item]]], Sequence[float]]
"""Expected ratings (1..5) of many pairs, in their order."""

CANDIDATES = 50
"""Items scored for one person: half by content, half by popularity."""
SPARE = 2
"""A prepared slate holds this many times its size, for items that are rated before it is shown."""


def prepare_rerank(
    session: Session,
    study: Study,
    arm: Arm,
    score: Score,
    *,
    candidates: int = CANDIDATES,
    model_version: str | None = None,
) -> int:
    """Write one unserved slate, best expected rating first, for everyone who is or may come into ``arm``.

    Earlier prepared slates of the arm that nobody saw are replaced. People who are test participants or have
    withdrawn get none. All pairs are scored in one call.

    Returns:
        The number of slates prepared.

    Raises:
        InvalidInput: the arm is not a ``rerank`` arm, or ``score`` did not return one number a pair.
    """
    if arm.source != "rerank":
        raise InvalidInput(f"arm {arm.key!r} takes its slates from {arm.source!r}; only rerank arms are prepared")
    catalogue = catalogue_of(session, study)
    people = _people(session, study, arm)
    retrieved = [_retrieve(session, study, catalogue, person, candidates) for person in people]
    values = _scored(session, catalogue, people, retrieved, score)
    for slate in session.exec(_unserved(arm)):
        session.delete(slate)
    session.flush()
    for person, columns, expected in zip(people, retrieved, values, strict=True):
        order = _best_first(study, arm, catalogue, columns, expected)
        reason = in_words(Reason("model"), person.language) if options_of(arm).explanations else None
        chosen = [Chosen(int(catalogue.item_ids[column]), value, reason) for column, value in order]
        write_slate(session, study, person, arm, chosen, source="rerank", model_version=model_version, served_at=None)
    return len(people)


def prepared(session: Session, participant: Participant, arm: Arm) -> Slate | None:
    """The person's unserved prepared slate for ``arm``, oldest first; None when there is none."""
    return session.exec(_unserved(arm).where(Slate.participant_id == participant.id).order_by(col(Slate.id))).first()


def trim(session: Session, slate: Slate, rated: Collection[int], size: int) -> list[Impression]:
    """Drop from a prepared slate what was rated since and what exceeds ``size``; number the rest from 1."""
    prepared_ = session.exec(
        select(Impression).where(Impression.slate_id == slate.id).order_by(col(Impression.position))
    ).all()
    kept = [impression for impression in prepared_ if impression.item_id not in rated][:size]
    for impression in prepared_:
        if impression not in kept:
            session.delete(impression)
    session.flush()  # positions must be free before others move into them
    for position, impression in enumerate(kept, start=1):
        impression.position = position
        session.flush()
    return kept


def _people(session: Session, study: Study, arm: Arm) -> list[Participant]:
    may_come = col(Participant.arm_id).is_(None) | (col(Participant.arm_id) == arm.id)
    statement = select(Participant).where(Participant.study_id == study.id, counts(), may_come)
    return list(session.exec(statement.order_by(col(Participant.id))))


def _retrieve(session: Session, study: Study, catalogue: Catalogue, person: Participant, count: int) -> Columns:
    met = met_by(session, study, person, catalogue)
    popular, alike = popularity(catalogue).values, content(catalogue, met.history, person.interests).values
    half, seed = max(1, count // 2), seed_of(study, person)
    of_each = (ranked(values, popular, met.tier, half, pool=half, seed=seed) for values in (alike, popular))
    return np.unique(np.concatenate(list(of_each)))


def _scored(
    session: Session, catalogue: Catalogue, people: list[Participant], retrieved: list[Columns], score: Score
) -> list[Floats]:
    """Expected ratings of each person's columns, all asked for at once."""
    items = {item.id: item for item in session.exec(select(Item).where(col(Item.id).in_(_ids(catalogue, retrieved))))}
    pairs = [
        (person, items[int(catalogue.item_ids[column])])
        for person, columns in zip(people, retrieved, strict=True)
        for column in columns
    ]
    values = np.asarray(score(pairs), dtype=np.float64)
    if values.shape != (len(pairs),) or not np.isfinite(values).all():
        raise InvalidInput(f"the model must give one finite number for each of {len(pairs)} pairs")
    return np.split(values, np.cumsum([len(columns) for columns in retrieved])[:-1])


def _ids(catalogue: Catalogue, retrieved: list[Columns]) -> list[int]:
    return sorted({int(catalogue.item_ids[column]) for columns in retrieved for column in columns})


def _best_first(
    study: Study, arm: Arm, catalogue: Catalogue, columns: Columns, expected: Floats
) -> list[tuple[int, float]]:
    options = options_of(arm)
    size = SPARE * min(study.slate_size, options.slate_size or study.slate_size)
    scores = np.zeros(len(catalogue.item_ids))
    scores[columns] = expected
    order = columns[np.argsort(-expected, kind="stable")][: pool_for(size, options.diversity)]
    return [
        (column, float(scores[column])) for column in diversified(catalogue, scores, order, size, options.diversity)
    ]


def _unserved(arm: Arm) -> SelectOfScalar[Slate]:
    return select(Slate).where(Slate.arm_id == arm.id, Slate.source == "rerank", col(Slate.served_at).is_(None))
