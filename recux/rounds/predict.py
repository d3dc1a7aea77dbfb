"""Predictions by the models that serve a study: for the command line, the API and the worker."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import champion_of
from db.tables import Batch, Item, ModelVersion, Participant, Study
from recux.errors import InvalidInput, NotFound
from recux.rounds.examples import ratings_of
from recux.rounds.words import words_of

HEADS = ("satisfaction", "rating", "behaviour")


class AskedPair(NamedTuple):
    """A participant and an item, by their external ids, and where in a list the item would stand."""

    participant: str
    item: str
    position: int = 1
    """From 1; only ``behaviour`` goes by it."""


def predict_texts(
    session: Session, study: Study, texts: Sequence[str], *, home: Path, load: Callable[[Path], Any] | None = None
) -> list[dict[str, Any]]:
    """P(satisfaction 1..5) of each comment and whether its author would recommend, in input order.

    ``home`` is RECUX_HOME, where the models are; ``load`` reads one, and may remember it. Raises ``NotFound`` when no
    model serves yet.
    """
    from recux.learn import predictor

    champion = _champion(session, study, "satisfaction")
    rows = (load or predictor.load)(home / champion.folder).satisfaction(texts)
    return [row | {"model": champion.id} for row in rows]


def predict_pairs(
    session: Session,
    study: Study,
    head: str,
    pairs: Sequence[AskedPair],
    *,
    home: Path,
    load: Callable[[Path], Any] | None = None,
) -> list[dict[str, Any]]:
    """What each participant would do with the item now: ``rating`` or ``behaviour``, in input order.

    Clicks and purchases are those of the item at the given position, as every impression that taught had one.

    Raises ``NotFound`` when no model serves yet, ``InvalidInput`` naming the first row with an unknown id.
    """
    from recux.learn import predictor

    champion = _champion(session, study, head)
    people = _ids(session, Participant, study)
    items = _ids(session, Item, study)
    words = words_of(session, study, ratings_of(session, study, _last_batch(session, study)))
    asked = []
    for line, (participant, item, position) in enumerate(pairs, start=1):
        if people.get(participant, 0) not in words.people:
            raise InvalidInput(
                f"row {line}: participant {participant!r} is not in study {study.slug!r}, or has withdrawn"
            )
        if items.get(item, 0) not in words.items:
            raise InvalidInput(f"row {line}: item {item!r} is not in study {study.slug!r}; import it first")
        asked.append(words.pair(people[participant], items[item], None, position))
    model = (load or predictor.load)(home / champion.folder)
    rows = model.rating(asked) if head == "rating" else model.behaviour(asked)
    return [row | {"model": champion.id} for row in rows]


def _ids(session: Session, table: type[Participant] | type[Item], study: Study) -> dict[str, int]:
    rows = session.connection().execute(
        sa.select(col(table.external_id), col(table.id)).where(col(table.study_id) == study.id)
    )
    return {external: row_id for external, row_id in rows if row_id is not None}


def _champion(session: Session, study: Study, head: str) -> ModelVersion:
    assert study.id is not None  # it was read from the database
    champion = champion_of(session, study.id, head)
    if champion is None:
        raise NotFound(
            f"no model serves {head!r} in study {study.slug!r} yet; run `recux round run --study {study.slug}` first"
        )
    return champion


def _last_batch(session: Session, study: Study) -> int:
    numbers = session.exec(select(Batch.number).where(Batch.study_id == study.id)).all()
    return max(numbers, default=0)
