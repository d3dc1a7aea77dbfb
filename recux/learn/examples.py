"""What the models learn from: plain immutable records, built by the caller from whatever store it keeps."""

from collections.abc import Iterator
from dataclasses import dataclass

from recux.learn.splits import Split, duplicates_to_drop

HEADS = ("satisfaction", "recommend", "rating", "click", "purchase")
ORDINAL_HEADS = ("satisfaction", "rating")
MODEL_OF_HEAD = {
    "satisfaction": "satisfaction",
    "recommend": "satisfaction",
    "rating": "rating",
    "click": "behaviour",
    "purchase": "behaviour",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A participant and an item at one moment, in words and in what the simple baselines need."""

    participant: str
    """Pseudonym; groups rows in every interval."""
    item: str
    participant_text: str
    """From ``templates.participant_text``: only what was known before the moment."""
    item_text: str
    """From ``templates.item_text``."""
    earlier: tuple[float, ...] = ()
    """The person's ratings (1..5, linear) strictly before the moment, oldest first."""
    position: int | None = None
    """Place in the slate, from 1; None when unknown."""


@dataclass(frozen=True, slots=True)
class SatisfactionExample:
    """A comment with what its author said in numbers; at least one of the two labels is set."""

    key: str
    """Unique among satisfaction examples."""
    participant: str
    split: Split
    text: str
    satisfaction: float | None = None
    """1..5, linear; the ordinal head uses it rounded half up."""
    recommend: bool | None = None
    round: int = 1


@dataclass(frozen=True, slots=True)
class RatingExample:
    """One rated impression."""

    key: str
    split: Split
    pair: Pair
    rating: float
    """1..5, linear; the ordinal head uses it rounded half up."""
    round: int = 1


@dataclass(frozen=True, slots=True)
class BehaviourExample:
    """One impression and what was done with it; None where it was not observed."""

    key: str
    split: Split
    pair: Pair
    click: bool | None = None
    purchase: bool | None = None
    round: int = 1


@dataclass(frozen=True, slots=True)
class RequestExample:
    """One call to the recommender."""

    key: str
    participant: str
    """Pseudonym, or the request's own key when nobody is known."""
    split: Split
    duration_ms: float
    failed: bool
    slate_size: int | None = None
    hour: int | None = None
    """Hour of the day in UTC, 0..23."""
    arm: str = ""
    endpoint: str = ""
    category: str = ""
    round: int = 1


@dataclass(frozen=True, slots=True)
class Examples:
    """Everything one training run may see."""

    satisfaction: tuple[SatisfactionExample, ...] = ()
    rating: tuple[RatingExample, ...] = ()
    behaviour: tuple[BehaviourExample, ...] = ()

    def of(self, *splits: Split) -> "Examples":
        """The part on the named sides."""
        return Examples(
            tuple(e for e in self.satisfaction if e.split in splits),
            tuple(e for e in self.rating if e.split in splits),
            tuple(e for e in self.behaviour if e.split in splits),
        )

    def taught(self) -> "Examples":
        """What a model learns from: the training part, without comments whose text also stands on a testing side."""
        drop = duplicates_to_drop((e.key, e.split, e.text) for e in self.satisfaction)
        part = self.of("train")
        return Examples(tuple(e for e in part.satisfaction if e.key not in drop), part.rating, part.behaviour)

    @property
    def last_round(self) -> int:
        """The newest round that any example is of; 0 when there is none."""
        return max((e.round for part in (self.satisfaction, self.rating, self.behaviour) for e in part), default=0)

    def __len__(self) -> int:
        """How many examples of all kinds."""
        return len(self.satisfaction) + len(self.rating) + len(self.behaviour)


def star(value: float) -> int:
    """A linear value on 1..5 as a whole number of stars, rounded half up."""
    return min(5, max(1, int(value + 0.5)))


def scored_ratings(examples: tuple[RatingExample, ...], history: int = 3) -> Iterator[RatingExample]:
    """The ratings that count in an evaluation.

    Of each person, the first ``history`` ratings (at most half of them) are history for every model; only the later
    ones are scored. A person with one rating has no history to give, so that one is scored.
    """
    by_person: dict[str, list[RatingExample]] = {}
    for example in examples:
        by_person.setdefault(example.pair.participant, []).append(example)
    for rows in by_person.values():
        rows.sort(key=lambda e: (len(e.pair.earlier), e.round, e.key))
        yield from rows[min(history, len(rows) // 2) :]
