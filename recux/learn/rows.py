"""Examples as arrays: one row a text, with a label for each head or none."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recux.learn.examples import HEADS, Examples, Pair, star
from recux.learn.means import ItemMeans

PAIR_FEATURES = 6
POSITION_FEATURES = 3
"""The first of them; the rating head does not see these."""


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Texts with labels, ready to be tokenised."""

    texts: list[str]
    seconds: list[str | None]
    """The item's text of a pair; None for a comment."""
    labels: NDArray[np.float32]  # (n, heads), NaN = missing
    features: NDArray[np.float32]  # (n, PAIR_FEATURES), zeros for comments
    participants: list[str]
    rounds: NDArray[np.int64]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.texts)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "TrainingRows":
        """Only these rows."""
        return replace(
            self,
            texts=[self.texts[i] for i in rows],
            seconds=[self.seconds[i] for i in rows],
            participants=[self.participants[i] for i in rows],
            labels=self.labels[rows],
            features=self.features[rows],
            rounds=self.rounds[rows],
        )

    def counts(self) -> dict[str, int]:
        """Labelled rows by head."""
        return {head: int((~np.isnan(self.labels[:, i])).sum()) for i, head in enumerate(HEADS)}


def training_rows(examples: Examples, means: ItemMeans) -> TrainingRows:
    """One row a comment with text and one a pair; a rating and an impression of the same texts share a row."""
    nothing = [float("nan")] * len(HEADS)
    comments = [e for e in examples.satisfaction if e.text.strip()]
    labels: list[list[float]] = []
    for e in comments:
        row = list(nothing)
        row[0] = float(star(e.satisfaction)) if e.satisfaction is not None else row[0]
        row[1] = float(e.recommend) if e.recommend is not None else row[1]
        labels.append(row)
    pairs, pair_labels, rounds = merged_pairs(examples)
    labels += pair_labels
    blank = np.zeros((len(comments), PAIR_FEATURES), dtype=np.float32)
    return TrainingRows(
        [e.text for e in comments] + [p.participant_text for p in pairs],
        [None] * len(comments) + [p.item_text for p in pairs],
        np.array(labels, dtype=np.float32).reshape(len(labels), len(HEADS)),
        np.concatenate([blank, pair_features(pairs, means, others=True)]),
        [e.participant for e in comments] + [p.participant for p in pairs],
        np.array([e.round for e in comments] + rounds, dtype=np.int64),
    )


def merged_pairs(examples: Examples) -> tuple[list[Pair], list[list[float]], list[int]]:
    """Pairs with their labels and rounds: each impression, and each rating in the row of the first impression of the
    same texts that has none yet, else in one of its own.
    """
    rows: list[tuple[Pair, list[float], int]] = []
    unrated: dict[tuple[str, ...], deque[list[float]]] = defaultdict(deque)
    for b in examples.behaviour:
        labels = [float("nan")] * len(HEADS)
        labels[3] = float(b.click) if b.click is not None else labels[3]
        labels[4] = float(b.purchase) if b.purchase is not None else labels[4]
        rows.append((b.pair, labels, b.round))
        unrated[same_words(b.pair)].append(labels)
    for r in examples.rating:
        waiting = unrated[same_words(r.pair)]
        if waiting:
            labels = waiting.popleft()
        else:
            labels = [float("nan")] * len(HEADS)
            rows.append((r.pair, labels, r.round))
        labels[2] = float(star(r.rating))
    return [pair for pair, _, _ in rows], [labels for _, labels, _ in rows], [number for _, _, number in rows]


def same_words(pair: Pair) -> tuple[str, ...]:
    """What a rating and an impression have in common that share a row."""
    return pair.participant, pair.item, pair.participant_text, pair.item_text


def pair_features(pairs: Iterable[Pair], means: ItemMeans, *, others: bool = False) -> NDArray[np.float32]:
    """What a pair's text says badly, as numbers: position, and the simple means, centred on the grand mean.

    With ``others`` an item's mean leaves out the fold of the pair's own participant: use it for training rows.
    """
    rows = []
    for p in pairs:
        position = p.position or 0
        rows.append(
            [
                float(position > 0),
                float(np.log1p(position)),
                1.0 / position if position else 0.0,
                means.of_person(p.earlier) - means.grand,
                float(np.log1p(len(p.earlier))),
                means.of_item(p.item, p.participant if others else None) - means.grand,
            ]
        )
    return np.array(rows, dtype=np.float32).reshape(len(rows), PAIR_FEATURES)
