"""The rows that models are tested on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.examples import ORDINAL_HEADS, Examples, Pair, RatingExample, scored_ratings, star
from recux.learn.splits import Split


@dataclass(frozen=True, slots=True)
class Tested:
    """The rows of one head that a model is tested on."""

    inputs: list[str] | list[Pair]
    labels: NDArray[np.int64]
    """1..5 for an ordinal head, else 0 or 1."""
    participants: list[str]
    rounds: NDArray[np.int64]
    stars: bool = False
    """Whether the labels are stars."""
    keys: list[str] = field(default_factory=list)
    """Key of the example of each row."""

    @property
    def classes(self) -> NDArray[np.int64]:
        """Labels counted from 0."""
        return self.labels - int(self.stars)

    def take(self, rows: NDArray[np.bool_]) -> "Tested":
        """Only these rows."""
        where = np.flatnonzero(rows)
        inputs: Any = [self.inputs[i] for i in where]
        people = [self.participants[i] for i in where]
        keys = [self.keys[i] for i in where]
        return Tested(inputs, self.labels[where], people, self.rounds[where], self.stars, keys)


def tested_rows(examples: Examples, heads: Iterable[str], *splits: Split) -> dict[str, Tested]:
    """The rows of those ``heads`` that have any on the named sides."""
    rows = {h: labelled_rows(examples, h, *splits) for h in heads}
    return {h: r for h, r in rows.items() if len(r.labels)}


def labelled_rows(examples: Examples, head: str, *splits: Split) -> Tested:
    """The rows of ``head`` on the named sides; of ratings only the scored ones (see ``scored_ratings``)."""
    part = examples.of(*splits)
    found: list[tuple[Any, int, str, int, str]] = []
    if head == "satisfaction":
        found = [
            (e.text, star(e.satisfaction), e.participant, e.round, e.key)
            for e in part.satisfaction
            if e.satisfaction is not None and e.text.strip()
        ]
    elif head == "recommend":
        found = [
            (e.text, int(e.recommend), e.participant, e.round, e.key)
            for e in part.satisfaction
            if e.recommend is not None and e.text.strip()
        ]
    elif head == "rating":
        return rating_rows(scored_ratings(part.rating))
    else:
        seen = [(e, getattr(e, head)) for e in part.behaviour]
        found = [(e.pair, int(y), e.pair.participant, e.round, e.key) for e, y in seen if y is not None]
    return rows_of(found, stars=head in ORDINAL_HEADS)


def rating_rows(examples: Iterable[RatingExample]) -> Tested:
    """Ratings as rows."""
    return rows_of([(e.pair, star(e.rating), e.pair.participant, e.round, e.key) for e in examples], stars=True)


def rows_of(found: Sequence[tuple[Any, int, str, int, str]], *, stars: bool) -> Tested:
    """(input, label, participant, round, key) as columns."""
    return Tested(
        [f[0] for f in found],
        np.array([f[1] for f in found], dtype=np.int64),
        [f[2] for f in found],
        np.array([f[3] for f in found], dtype=np.int64),
        stars,
        [f[4] for f in found],
    )
