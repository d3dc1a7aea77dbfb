"""Shrunken means of items and people: the simplest rating model, and features of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from recux.learn.examples import RatingExample
from recux.learn.splits import unit_hash

SHRINKAGE = 5.0
"""Ratings at the grand mean that every person and item starts with."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class ItemMeans:
    """Rating sums of items, in folds of the people who rated, so that a training row need not see its own rating."""

    grand: float = 3.0
    sums: dict[str, list[float]] = field(default_factory=dict)
    """Item -> sum of ratings by fold."""
    counts: dict[str, list[int]] = field(default_factory=dict)

    def of_item(self, item: str, without: str | None = None) -> float:
        """The item's mean shrunken to the grand mean, without the fold of the participant ``without``."""
        sums, counts = self.sums.get(item, []), self.counts.get(item, [])
        leave = fold_of(without) if without is not None else -1
        total = sum(s for f, s in enumerate(sums) if f != leave)
        n = sum(c for f, c in enumerate(counts) if f != leave)
        return (total + SHRINKAGE * self.grand) / (n + SHRINKAGE)

    def of_person(self, earlier: Sequence[float]) -> float:
        """A person's mean of earlier ratings shrunken to the grand mean."""
        return (sum(earlier) + SHRINKAGE * self.grand) / (len(earlier) + SHRINKAGE)

    def seen(self, item: str) -> bool:
        """Whether any training rating was of this item."""
        return item in self.counts

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"grand": self.grand, "sums": self.sums, "counts": self.counts}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ItemMeans":
        """From ``to_dict``."""
        return cls(values["grand"], values["sums"], values["counts"])


def fold_of(participant: str) -> int:
    """The fold of a participant, by hash."""
    return int(unit_hash(participant, "item means") * FOLDS)


def item_means(ratings: Iterable[RatingExample]) -> ItemMeans:
    """Means over these ratings; without any, everything is at 3."""
    rows = list(ratings)
    grand = sum(r.rating for r in rows) / len(rows) if rows else 3.0
    means = ItemMeans(grand)
    for r in rows:
        fold = fold_of(r.pair.participant)
        means.sums.setdefault(r.pair.item, [0.0] * FOLDS)[fold] += r.rating
        means.counts.setdefault(r.pair.item, [0] * FOLDS)[fold] += 1
    return means
