"""Slates that the worker prepares with the fine-tuned model, so that serving one costs a page nothing."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col, select

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
AT_ONCE = 5_000
"""Items looked up in one statement."""
SPARE = 2
"""A prepared slate holds this many times its size, for items that are rated before it is shown."""


@dataclass(frozen=True)
class Retrieved:
    """Who is to get a prepared slate, and from which items each one's is chosen."""

    catalogue: Catalogue
    people: list[Participant]
    columns: list[Columns]
    """Of each person, the columns of their candidates."""
    items: dict[int, Item]

    @property
    def pairs(self) -> list[tuple[Participant, Item]]:
        """What the model is to score, person by person."""
        return [
            (person, self.items[int(self.catalogue.item_ids[column])])
            for person, columns in zip(self.people, self.columns, strict=True)
            for column in columns
        ]


def prepare_rerank(
    session: Session,
    study: Study,
    arm: Arm,
    score: Score,
    *,
    candidates: int = CANDIDATES,
    model_version: str | None = None,
) -> int:
    """``retrieve``, score and ``store`` in one transaction; for a model that is quick, because it holds the database.

    Returns and raises what ``retrieve`` and ``store`` do.
    """
    retrieved = retrieve(session, study, arm, candidates=candidates)
    return store(session, study, arm, retrieved, score(retrieved.pairs), model_version=model_version)


def retrieve(session: Session, study: Study, arm: Arm, *, candidates: int = CANDIDATES) -> Retrieved:
    """Candidates for everyone who is, or may come, into ``arm``; reads only, so that a slow model blocks nobody.

    People who are test participants or have withdrawn get none.

    Raises:
        InvalidInput: the arm is not a ``rerank`` arm.
    """
    if arm.source != "rerank":
        raise InvalidInput(f"arm {arm.key!r} takes its slates from {arm.source!r}; only rerank arms are prepared")
    catalogue = catalogue_of(session, study)
    people = _people(session, study, arm)
    columns = [_candidates(session, study, catalogue, person, candidates) for person in people]
    return Retrieved(catalogue, people, columns, _items(session, catalogue, columns))


def store(
    session: Session,
    study: Study,
    arm: Arm,
    retrieved: Retrieved,
    expected: Sequence[float],
    *,
    model_version: str | None = None,
) -> int:
    """Write one unserved slate a person, best expected rating (one for each of ``retrieved.pairs``) first.

    Earlier prepared slates of the arm that nobody saw are replaced.

    Returns:
        The number of slates prepared.

    Raises:
        InvalidInput: ``expected`` is not one finite number a pair.
    """
    number = sum(len(columns) for columns in retrieved.columns)
    values = np.asarray(expected, dtype=np.float64)
    if values.shape != (number,) or not np.isfinite(values).all():
        raise InvalidInput(f"the model must give one finite number for each of {number} pairs")
    session.connection().execute(sa.delete(Slate).where(*_unserved(arm)))
    reason, catalogue = Reason("model"), retrieved.catalogue
    of_each = np.split(values, np.cumsum([len(columns) for columns in retrieved.columns]))[:-1]
    for person, columns, mine in zip(retrieved.people, retrieved.columns, of_each, strict=True):
        explanation = in_words(reason, person.language) if options_of(arm).explanations else None
        order = _best_first(study, arm, catalogue, columns, mine)
        chosen = [Chosen(int(catalogue.item_ids[column]), value, explanation) for column, value in order]
        write_slate(session, study, person, arm, chosen, source="rerank", model_version=model_version, served_at=None)
    return len(retrieved.people)


def prepared(session: Session, participant: Participant, arm: Arm) -> Slate | None:
    """The person's unserved prepared slate for ``arm``, oldest first; None when there is none."""
    mine = select(Slate).where(Slate.participant_id == participant.id, *_unserved(arm))
    return session.exec(mine.order_by(col(Slate.id)).with_for_update()).first()  # not while it is being replaced


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
    own = col(Participant.arm_id), col(Participant.second_arm_id)
    may_come = own[0].is_(None) | (own[0] == arm.id) | (own[1] == arm.id)
    statement = select(Participant).where(Participant.study_id == study.id, counts(), may_come)
    return list(session.exec(statement.order_by(col(Participant.id))))


def _candidates(session: Session, study: Study, catalogue: Catalogue, person: Participant, count: int) -> Columns:
    met = met_by(session, study, person, catalogue)
    popular, alike = popularity(catalogue).values, content(catalogue, met.history, person.interests).values
    half, seed = max(1, count // 2), seed_of(study, person)
    of_each = (ranked(values, popular, met.tier, half, pool=half, seed=seed) for values in (alike, popular))
    return np.unique(np.concatenate(list(of_each)))


def _items(session: Session, catalogue: Catalogue, columns: list[Columns]) -> dict[int, Item]:
    wanted = sorted({int(catalogue.item_ids[column]) for of_one in columns for column in of_one})
    found: dict[int, Item] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = select(Item).where(col(Item.id).in_(wanted[start : start + AT_ONCE]))
        found.update((item.id, item) for item in session.exec(part) if item.id)
    return found


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


def _unserved(arm: Arm) -> tuple[sa.ColumnElement[bool], ...]:
    return col(Slate.arm_id) == arm.id, col(Slate.source) == "rerank", col(Slate.served_at).is_(None)
