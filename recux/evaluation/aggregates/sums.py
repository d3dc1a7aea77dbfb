"""The sums that are kept: added to, taken from, and read as what the statistics need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.evaluation.aggregates.fields import COHORT, PAIRS, WHOLE, centre_of, questions_of
from recux.evaluation.recommendation import RATES
from recux.stats.clusters import RatioSums
from recux.stats.moments import Moments, moments_of_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NO_ITEMS = np.empty((0, 3), dtype=np.int64)


@dataclass
class Sums:
    """Sums over the people of one arm; ``items`` has a row for each item: item, impressions, people who reacted."""

    values: dict[str, list[float]] = field(default_factory=dict)
    """By field: people, and the sums of (value - centre), its square and its cube."""
    pairs: dict[str, list[float]] = field(default_factory=dict)
    """By rate: the twelve sums of ``RatioSums``."""
    crosses: dict[str, list[Any]] = field(default_factory=dict)
    """By construct: people with all answers, sums, and sums of products."""
    kinds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By metric and code of a cohort: people, and the sums of (value - centre) and its square."""
    items: Ints = field(default_factory=lambda: NO_ITEMS)

    def people(self, name: str) -> int:
        """How many people have this field."""
        return round(self.values[name][0]) if name in self.values else 0

    def total(self, name: str) -> float:
        """The sum of a field over people."""
        count, first, _, _ = self.values.get(name, [0.0] * 4)
        return first + count * centre_of(name)[0]

    def moments(self, name: str) -> Moments:
        """The moments of a field over people."""
        count, first, second, third = self.values.get(name, [0.0] * 4)
        centre, width = centre_of(name)
        return moments_of_sums(round(count), first, second, third, centre=centre, width=width)

    def ratio(self, name: str) -> RatioSums:
        """The sums of a rate over people."""
        n, top, bottom, tt, bb, tb, events, lacking, *cubes = self.pairs.get(name, [0.0] * 12)
        t3, t2b, tb2, b3 = cubes
        return RatioSums(round(n), top, bottom, tt, bb, tb, round(events), round(lacking), (t3, t2b, tb2, b3))

    def covariance(self, construct: str) -> tuple[Floats, int]:
        """Covariances of a construct's questions, and the number of people who answered all of them."""
        if construct not in self.crosses:
            return np.zeros((0, 0)), 0
        n, first, products = self.crosses[construct]
        count, sums, squares = round(n), np.asarray(first), np.asarray(products)
        if count < 2:
            return np.zeros(squares.shape), count
        return (squares - np.outer(sums, sums) / count) / (count - 1), count

    def of_kind(self, name: str, code: str) -> Moments:
        """The moments of a metric over the people of one cohort; their skewness is not kept."""
        count, first, second = self.kinds.get(name, {}).get(code, [0.0] * 3)
        centre, width = centre_of(name)
        return moments_of_sums(round(count), first, second, 0.0, centre=centre, width=width)

    def add(self, other: "Sums", sign: int) -> None:
        """Put another's sums in (sign 1) or take them out (sign -1)."""
        for mine, theirs in ((self.values, other.values), (self.pairs, other.pairs)):
            for name, numbers in theirs.items():
                old = mine.get(name, [0.0] * len(numbers))
                mine[name] = [x + sign * y for x, y in zip(old, numbers, strict=True)]
        for name, codes in other.kinds.items():
            mine = self.kinds.setdefault(name, {})
            for code, numbers in codes.items():
                old = mine.get(code, [0.0] * 3)
                mine[code] = [x + sign * y for x, y in zip(old, numbers, strict=True)]
        for name, (n, first, products) in other.crosses.items():
            old = self.crosses.get(name, [0.0, np.zeros(len(first)), np.zeros((len(first), len(first)))])
            totals = (np.asarray(x) + sign * np.asarray(y) for x, y in zip(old, (n, first, products), strict=True))
            count, sums, squares = totals
            self.crosses[name] = [float(count), sums.tolist(), squares.tolist()]
        self.items = added(self.items, other.items, sign)


def added(mine: Ints, theirs: Ints, sign: int) -> Ints:
    """Counts by item, theirs added or taken away; items without any are left out."""
    rows = np.concatenate([mine, theirs * np.array([1, sign, sign])])
    keys, codes = np.unique(rows[:, 0], return_inverse=True)
    found = np.zeros((len(keys), 3), dtype=np.int64)
    found[:, 0] = keys
    np.add.at(found[:, 1:], codes, rows[:, 1:])
    return np.asarray(found[(found[:, 1:] != 0).any(axis=1)], dtype=np.int64)


def sums_of(matrix: Floats, names: Sequence[str], items: Ints) -> Sums:
    """The sums of people's fields; ``matrix`` has shape (people, fields), NaN where there is none."""
    place = {name: column for column, name in enumerate(names)}
    found = Sums(items=added(NO_ITEMS, items, 1))
    known = ~np.isnan(matrix)
    gaps = np.where(known, matrix - np.array([centre_of(name)[0] for name in names]), 0.0)
    powers = known.sum(axis=0), gaps.sum(axis=0), (gaps**2).sum(axis=0), (gaps**3).sum(axis=0)
    for name, column in place.items():
        if powers[0][column]:
            found.values[name] = [float(power[column]) for power in powers]
    for name, (top, bottom) in PAIRS.items():
        if top in place and bottom in place:
            found.pairs[name] = _pair(matrix[:, place[top]], matrix[:, place[bottom]])
    found.kinds = _kinds(matrix, place) if COHORT in place else {}
    for construct, questions in questions_of(names).items():
        answers = matrix[:, [place[one] for one in questions]]
        answers = answers[~np.isnan(answers).any(axis=1)]
        found.crosses[construct] = [len(answers), answers.sum(axis=0).tolist(), (answers.T @ answers).tolist()]
    return found


def _kinds(matrix: Floats, place: Mapping[str, int]) -> dict[str, dict[str, list[float]]]:
    """By metric and cohort, for the metrics by which arms are compared."""
    columns = {name: matrix[:, column] for name, column in place.items() if name in WHOLE or name.startswith("score.")}
    for name in RATES:
        if all(one in place for one in PAIRS[name]):
            top, bottom = (matrix[:, place[one]] for one in PAIRS[name])
            columns[name] = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    codes = matrix[:, place[COHORT]]
    found: dict[str, dict[str, list[float]]] = {}
    for name, values in columns.items():
        known = ~np.isnan(values) & ~np.isnan(codes)
        cohorts, gaps = codes[known].astype(np.int64), values[known] - centre_of(name)[0]
        powers = [np.bincount(cohorts, weights=gaps**power) for power in range(3)]
        found[name] = {str(code): [float(p[code]) for p in powers] for code in np.flatnonzero(powers[0])}
    return found


def _pair(top: Floats, bottom: Floats) -> list[float]:
    used = bottom > 0  # NaN is not
    t, b = top[used], bottom[used]
    sums = [len(t), t.sum(), b.sum(), t @ t, b @ b, t @ b, (t > 0).sum(), (t < b).sum()]
    return [float(x) for x in [*sums, (t**3).sum(), t**2 @ b, t @ b**2, (b**3).sum()]]


def to_json(sums: Sums) -> dict[str, Any]:
    """What the database keeps beside the items."""
    return {"values": sums.values, "pairs": sums.pairs, "crosses": sums.crosses, "kinds": sums.kinds}


def from_json(kept: Mapping[str, Any], items: bytes) -> Sums:
    """The sums as they were kept."""
    values, pairs, crosses, kinds = ({**kept.get(part, {})} for part in ("values", "pairs", "crosses", "kinds"))
    return Sums(values, pairs, crosses, kinds, np.frombuffer(items, dtype=np.int64).reshape(-1, 3).copy())
