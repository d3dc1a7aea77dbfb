"""The built-in recommenders: a catalogue and a person in, a score and a reason for every item out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recux.recommend.catalogue import Catalogue
from recux.recommend.reasons import Reason

Floats = NDArray[np.float64]
History = tuple[NDArray[np.int64], Floats]
"""Columns of the items a person rated or acted on, and how strongly they felt: (mine,), (mine,)."""

DAMPING = 10.0
"""People that an item is credited with at the average liking before anyone has spoken."""
SHRINKAGE = 10.0
NEIGHBOURS = 20
REMEMBERED = 50
"""Of a long history, the newest items count: they are the taste of today, and keep a page fast."""
INTEREST = 1.0
"""Weight of the stated interests beside one item rated with four stars."""


@dataclass(frozen=True)
class Scores:
    """One score an item; ``why`` gives the reason for an item's column."""

    values: Floats  # (items,)
    why: Callable[[int], Reason]


def popularity(catalogue: Catalogue) -> Scores:
    """The damped share of people who liked an item among those who said anything about it.

    Liked is a rating of 4 or more, or a click or purchase; the share is damped towards the study's own (a prior of
    ``DAMPING`` people), so that one five-star rating does not win.
    """
    said, liked = catalogue.said, catalogue.liked
    usual = liked.sum() / said.sum() if said.sum() else 0.0
    values = (liked + DAMPING * usual) / (said + DAMPING)
    return Scores(values, lambda item: Reason("popular" if liked[item] else "new"))


def itemknn(catalogue: Catalogue, history: History) -> Scores:
    """Item-based nearest neighbours: cosine over people, shrunk where few people know both items.

    An item's score is the sum over the person's own items of similarity times how much they felt for it, over the
    ``NEIGHBOURS`` most similar ones. Sarwar et al., WWW 2001; shrinkage after Bell and Koren, ICDM 2007.
    """
    mine, felt = history[0][-REMEMBERED:], history[1][-REMEMBERED:]
    if not len(mine):
        return popularity(catalogue)
    similar = _similarity(catalogue, mine)  # (my items, items)
    if len(mine) > NEIGHBOURS:
        least = np.partition(similar, -NEIGHBOURS, axis=0)[-NEIGHBOURS]
        similar = np.where(similar >= least, similar, 0.0)
    parts = similar * felt[:, None]
    return Scores(parts.sum(axis=0), lambda item: _because_of(catalogue, mine, parts[:, item]))


def content(catalogue: Catalogue, history: History, interests: list[str]) -> Scores:
    """Cosine of an item's words with those of the items that the person liked, less disliked, and their interests."""
    vectors = catalogue.text_vectors
    mine, felt = history[0][-REMEMBERED:], history[1][-REMEMBERED:]
    if vectors is None or not (len(mine) or interests):
        return popularity(catalogue)
    alike = (vectors.rows[mine] @ vectors.columns).toarray() if len(mine) else np.zeros((0, len(catalogue.item_ids)))
    wanted = np.vstack([(vectors.of(text) @ vectors.columns).toarray() for text in interests] or [alike[:0]])
    parts = alike * felt[:, None]
    values = parts.sum(axis=0) + INTEREST * wanted.sum(axis=0)

    def why(item: int) -> Reason:
        if len(wanted) and wanted[:, item].max() > max(0.0, parts[:, item].max(initial=0.0)):
            return Reason("interest", interests[int(wanted[:, item].argmax())])
        return _because_of(catalogue, mine, parts[:, item])

    return Scores(values, why)


def _similarity(catalogue: Catalogue, mine: NDArray[np.int64]) -> Floats:
    columns, known = catalogue.columns, catalogue.known
    both = (known[:, mine].T @ known).toarray()  # people who know both
    length = catalogue.norms[mine][:, None] * catalogue.norms[None, :]
    cosine = np.divide((columns[:, mine].T @ columns).toarray(), length, out=np.zeros_like(length), where=length > 0)
    cosine[np.arange(len(mine)), mine] = 0.0  # an item says nothing about itself
    return np.asarray(cosine * both / (both + SHRINKAGE))


def _because_of(catalogue: Catalogue, mine: NDArray[np.int64], parts: Floats) -> Reason:
    if not len(parts) or parts.max() <= 0:
        return Reason("new")
    return Reason("similar", catalogue.titles[int(mine[int(parts.argmax())])])
