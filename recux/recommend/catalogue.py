"""A study's items and what people did with them, as arrays, kept in memory between slates.

Reading ten thousand items takes longer than scoring them, so a process keeps the last arrays of each study. They are
read again when something changed, but never so often that reading takes more than a twentieth of the time.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from scipy import sparse
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Interaction, Item, Participant, Rating, Study
from recux.recommend.text import TextVectors, tfidf

MIDPOINT = 3.0
STRENGTH = {"click": 0.5, "purchase": 1.0, "like": 1.0, "dismiss": -1.0}
"""What an interaction says about an item that was not rated, on the scale of a rating minus its midpoint."""
LIKED = 0.5
KEPT_STUDIES = 16
OLDEST = 600.0
"""Seconds after which a catalogue is read again even if nothing seems to have changed (an item's text may have)."""
READING_SHARE = 0.05
SMALL = 5_000
"""Items and pieces of feedback that are read in a few milliseconds: such a catalogue is never old."""


@dataclass(frozen=True)
class Catalogue:
    """Items in the order of their ids, and the strength of every person's feeling for them."""

    item_ids: NDArray[np.int64]  # (items,)
    external_ids: tuple[str, ...]
    titles: tuple[str, ...]
    categories: tuple[str | None, ...]
    texts: tuple[str, ...]
    """Title, category, tags and description of each item in one string."""
    strength: sparse.csr_matrix  # (people, items), -2..2; a rating at the midpoint is a stored zero

    @cached_property
    def place(self) -> dict[int, int]:
        """Column of an item id."""
        return {int(item): column for column, item in enumerate(self.item_ids)}

    @cached_property
    def place_of_external(self) -> dict[str, int]:
        """Column of an item's own id."""
        return {item: column for column, item in enumerate(self.external_ids)}

    def columns_of(self, items: Iterable[int]) -> NDArray[np.int64]:
        """Columns of item ids; ids that came after the catalogue was read are left out."""
        return np.array([self.place[item] for item in items if item in self.place], dtype=np.int64)

    @cached_property
    def columns(self) -> sparse.csc_matrix:
        """The strengths by item."""
        return self.strength.tocsc()

    @cached_property
    def text_vectors(self) -> TextVectors | None:
        """TF-IDF of the items' texts; built at the first use, which takes about a second for ten thousand items."""
        return tfidf(self.texts)

    @cached_property
    def known(self) -> sparse.csc_matrix:
        """One where a person said anything about an item."""
        known = self.columns.copy()
        known.data = np.ones_like(known.data)
        return known

    @cached_property
    def said(self) -> NDArray[np.float64]:
        """How many people said anything about each item."""
        return np.bincount(self.strength.indices, minlength=len(self.item_ids)).astype(np.float64)

    @cached_property
    def liked(self) -> NDArray[np.float64]:
        """How many people rated each item 4 or more, clicked or bought it."""
        likes = self.strength.indices[self.strength.data >= LIKED]
        return np.bincount(likes, minlength=len(self.item_ids)).astype(np.float64)

    @cached_property
    def norms(self) -> NDArray[np.float64]:
        """Length of each item's column of strengths."""
        return np.sqrt(np.asarray(self.columns.multiply(self.columns).sum(axis=0), dtype=np.float64).ravel())


@dataclass
class _Kept:
    catalogue: Catalogue
    print: tuple[Any, ...]
    read_at: float
    took: float


_kept: OrderedDict[tuple[int | None, str], _Kept] = OrderedDict()
_lock = Lock()


def catalogue_of(session: Session, study: Study) -> Catalogue:
    """The study's catalogue, at most seconds old in a large study and never old in a small one."""
    key = (study.id, study.salt)
    print_ = _fingerprint(session, study)
    with _lock:
        kept = _kept.get(key)
    if kept is not None and _good(kept, print_):
        return kept.catalogue
    start = time.monotonic()
    catalogue = read_catalogue(session, study)
    with _lock:
        _kept[key] = _Kept(catalogue, print_, time.monotonic(), time.monotonic() - start)
        _kept.move_to_end(key)
        while len(_kept) > KEPT_STUDIES:
            _kept.popitem(last=False)
    return catalogue


def read_catalogue(session: Session, study: Study) -> Catalogue:
    """Read everything anew."""
    statement = (
        sa.select(
            col(Item.id),
            col(Item.external_id),
            col(Item.title),
            col(Item.category),
            col(Item.tags),
            col(Item.description),
        )
        .where(col(Item.study_id) == study.id)
        .order_by(col(Item.id))
    )
    rows = session.connection().execute(statement).all()
    item_ids = np.array([row[0] for row in rows], dtype=np.int64)
    return Catalogue(
        item_ids=item_ids,
        external_ids=tuple(row[1] for row in rows),
        titles=tuple(row[2] for row in rows),
        categories=tuple(row[3] for row in rows),
        texts=tuple(" ".join((row[2], row[3] or "", *(row[4] or ()), row[5] or "")) for row in rows),
        strength=_strengths(session, study, item_ids),
    )


def _strengths(session: Session, study: Study, item_ids: NDArray[np.int64]) -> sparse.csr_matrix:
    known = set(item_ids.tolist())  # another transaction may have added items in between
    felt = {key: value for key, value in felt_by(session, study).items() if key[1] in known}
    people, items = (np.fromiter((key[i] for key in felt), dtype=np.int64, count=len(felt)) for i in (0, 1))
    values = np.fromiter(felt.values(), dtype=np.float64, count=len(felt))
    names, rows = np.unique(people, return_inverse=True)
    return sparse.csr_matrix((values, (rows, np.searchsorted(item_ids, items))), shape=(len(names), len(item_ids)))


def felt_by(session: Session, study: Study, participant_id: int | None = None) -> dict[tuple[int, int], float]:
    """How strongly people (or one person) feel for items, -2..2, by participant and item id, oldest ratings first.

    The newest rating minus the midpoint; where there is none, the strongest of what they did.
    """
    strength = sa.case(*((col(Interaction.kind) == kind, value) for kind, value in STRENGTH.items()))
    person, item = col(Interaction.participant_id), col(Interaction.item_id)
    acts = sa.select(person, item, sa.func.max(strength)).where(col(Interaction.kind).in_(STRENGTH))
    ratings = sa.select(col(Rating.participant_id), col(Rating.item_id), col(Rating.rating)).where(col(Rating.current))
    chosen = _of(acts.group_by(person, item), Interaction, study, participant_id)
    felt = {(p, i): s for p, i, s in session.connection().execute(chosen)}
    rated = session.connection().execute(_of(ratings, Rating, study, participant_id).order_by(col(Rating.id)))
    return felt | {(p, i): r - MIDPOINT for p, i, r in rated}  # a rating says more than a click


def _of(
    statement: sa.Select[int, int, float],
    table: type[Rating] | type[Interaction],
    study: Study,
    participant_id: int | None,
) -> sa.Select[int, int, float]:
    if participant_id is not None:  # a person is in one study; naming it too would make SQLite read all of the study
        return statement.where(col(table.participant_id) == participant_id)
    mine = statement.join(Participant, col(Participant.id) == col(table.participant_id))
    return mine.where(col(table.study_id) == study.id, counts())


def _fingerprint(session: Session, study: Study) -> tuple[Any, ...]:
    newest = (
        sa.select(col(table.id)).where(col(table.study_id) == study.id).order_by(col(table.id).desc()).limit(1)
        for table in (Rating, Interaction)
    )
    number = (
        sa.select(sa.func.count()).where(col(Item.study_id) == study.id),
        sa.select(sa.func.count()).where(col(Participant.study_id) == study.id, ~counts()),
    )
    return tuple(session.connection().execute(statement).scalar() for statement in (*newest, *number))


def _good(kept: _Kept, print_: tuple[Any, ...]) -> bool:
    age = time.monotonic() - kept.read_at
    large = len(kept.catalogue.item_ids) + kept.catalogue.strength.nnz > SMALL
    return age < OLDEST and (kept.print == print_ or (large and age < kept.took / READING_SHARE))
