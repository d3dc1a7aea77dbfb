"""What a recommender shows of its catalogue: coverage, concentration, diversity, novelty, serendipity."""

from collections.abc import Iterable, Mapping
from math import log2
from typing import Any

import numpy as np

from recux.stats.arrays import count, flags, listed, numbers, table_of
from recux.stats.errors import StatisticsError
from recux.stats.ranking import ListScore, binary


def coverage(shown: Iterable[Any], catalogue_size: int) -> ListScore:
    """Share (0 to 1) of the catalogue that was shown at least once; `shown` holds an item id for each impression."""
    different, size = len(set(_hashable(shown, "shown"))), count(catalogue_size, "catalogue_size", low=1)
    if different > size:
        raise StatisticsError(f"{different} different items were shown, but the catalogue holds {size}")
    return ListScore(different / size)


def gini(exposures: Iterable[float]) -> ListScore:
    """Concentration of impressions over items, 0 (all alike) to 1 - 1/items (one gets all).

    One count for each item of the catalogue, zeros included: leaving out items never shown flatters the recommender.
    """
    counts = np.sort(numbers(exposures, "exposures", low=0))
    size, total = len(counts), counts.sum()
    if size == 0 or total == 0:
        return ListScore(float("nan"), "nothing was shown")
    return ListScore(float((2 * np.arange(1, size + 1) - size - 1) @ counts / (size * total)))


def intra_list_diversity(vectors: Any) -> ListScore:
    """Mean distance 1 - cosine over all pairs of items of one list (Ziegler et al. 2005), 0 to 2.

    `vectors` has shape (items, features), such as embeddings or category indicators; a row of zeros has no direction
    and is refused. Not defined for fewer than two items.
    """
    rows = table_of(vectors, "vectors")
    if np.isnan(rows).any():
        raise StatisticsError("vectors must be finite numbers of shape (items, features)")
    if len(rows) < 2:
        return ListScore(float("nan"), "fewer than two items have no pairs")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise StatisticsError(f"vectors[{int((lengths == 0).argmax())}] is all zeros, it has no direction")
    unit, size = rows / lengths, len(rows)
    # the sum over pairs, from the length of the sum of unit vectors: no pair is visited
    similar = (float((unit.sum(axis=0) ** 2).sum()) - size) / (size * (size - 1))
    return ListScore(min(2.0, max(0.0, 1 - similar)))


def novelty(items: Iterable[Any], popularity: Mapping[Any, float], n_people: int) -> ListScore:
    """Mean surprise of a list in bits: -log2 of the share of people who already had an item (Vargas, Castells 2011).

    `popularity` counts people per item; an item that nobody had counts as had by one person. Not defined for an empty
    list. Raises StatisticsError where an item is had by more people than there are.
    """
    people = count(n_people, "n_people", low=1)
    if not isinstance(popularity, Mapping):
        raise StatisticsError(f"popularity is {type(popularity).__name__}, must be a mapping of items to people")
    known = [popularity.get(item, 0) for item in _hashable(items, "items")]
    had = [max(1.0, one) for one in numbers(known, "popularity", low=0)]
    if not had:
        return ListScore(float("nan"), "the list is empty")
    if max(had) > people:
        raise StatisticsError(f"an item is had by {max(had):g} people, but n_people == {people}")
    return ListScore(sum(-log2(h / people) for h in had) / len(had))


def serendipity(relevance: Iterable[float | None], expected: Iterable[bool]) -> ListScore:
    """Share (0 to 1) of a list's rated items that are relevant and were not to be expected (Ge et al. 2010).

    `expected` marks the items that an obvious recommender (popularity) would have shown too. Unrated items are left
    out; not defined when none is rated.
    """
    items, obvious = listed(relevance, "relevance"), flags(expected, "expected")
    if len(items) != len(obvious):
        raise StatisticsError(f"expected has {len(obvious)} values for {len(items)} items")
    rated = [index for index, item in enumerate(items) if item is not None]
    if not rated:
        return ListScore(float("nan"), "no rated item in the list")
    relevant = binary([items[index] for index in rated])
    return ListScore(sum(r for r, e in zip(relevant, obvious[rated], strict=True) if not e) / len(rated))


def _hashable(items: Iterable[Any], name: str) -> list[Any]:
    """Item ids as a list; StatisticsError if one of them cannot be told from another."""
    found = listed(items, name)
    try:
        set(found)
    except TypeError as error:
        raise StatisticsError(f"{name} must be plain ids such as numbers or text: {error}") from error
    return found
