"""Columns as arrays: numbers, texts, codes of groups, and means by group."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Objects = NDArray[np.object_]
Cut = tuple[Ints, list[str]]
"""Code of each row (-1 for none) and what the codes 0, 1, ... are called."""

THIRDS = ("early", "middle", "late")
"""Of a list, by position."""


def floats(column: Any) -> Floats:
    """A column as floats; missing values become NaN."""
    values = np.asarray(column)
    if values.dtype.kind in "fiub":
        return values.astype(np.float64, copy=False)
    return np.asarray(pd.to_numeric(pd.Series(column), errors="coerce"), dtype=np.float64)


def integers(column: Any) -> Ints:
    """A column of whole numbers without gaps."""
    return np.asarray(column, dtype=np.int64)


def objects(column: pd.Series) -> Objects:
    """A column of texts or other values; None where one is missing."""
    values: Objects = np.array(column, dtype=object)
    values[pd.isna(values)] = None
    return values


def mean_by(codes: Ints, values: Floats, size: int) -> Floats:
    """Mean of `values` in each group 0..size-1, NaN where a group has none; negative codes are left out."""
    if (codes < 0).any():
        kept = codes >= 0
        codes, values = codes[kept], values[kept]
    counts = np.bincount(codes, minlength=size).astype(np.float64)
    totals = np.bincount(codes, weights=values, minlength=size)
    means: Floats = np.divide(totals, counts, out=np.full(size, np.nan), where=counts > 0)
    return means


def coded(values: Objects) -> Cut:
    """Codes and names of the values of a column of texts, the most frequent first; -1 for missing ones."""
    codes, names = pd.factorize(values)
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    order = np.argsort(-sizes, kind="stable")
    number = np.full(len(names) + 1, -1, dtype=np.int64)  # the last entry serves code -1
    number[order] = np.arange(len(order))
    return number[codes], [str(names[index]) for index in order]


def most_frequent(cut: Cut, most: int) -> Cut:
    """Codes and names of the `most` frequent values alone; the others become -1."""
    codes, names = cut
    return cut if len(names) <= most else (np.where(codes < most, codes, -1), names[:most])


def thirds(position: Floats, person: Ints, people: int) -> Ints:
    """Third of the person's longest list that each position is in: 0, 1 or 2; -1 without a position.

    Lists of fewer than three positions have no thirds.
    """
    known = ~np.isnan(position)
    longest = np.zeros(people)
    np.maximum.at(longest, person[known], position[known])
    length = longest[person]
    with np.errstate(invalid="ignore", divide="ignore"):
        third = np.floor((position - 1) * 3 / length)
    usable = known & (length >= 3)
    return np.where(usable, np.where(usable, third, 0), -1).astype(np.int64)


def in_order(first: Ints, second: Ints) -> bool:
    """Whether rows are in the order of the first key and then of the second."""
    step = np.diff(first)
    return bool(((step > 0) | ((step == 0) & (np.diff(second) >= 0))).all())


def earlier_alike(one: Ints, other: Ints) -> Ints:
    """How many rows before each row have the same two keys, shape (rows,); `other` is -1 or above."""
    key = one * (int(other.max(initial=0)) + 2) + other
    order = np.argsort(key, kind="stable")  # rows with the same keys stay in their order
    new = np.append([False], np.diff(key[order]) != 0)[: len(order)]
    place = np.arange(len(order))
    count = np.empty(len(order), dtype=np.int64)
    count[order] = place - np.maximum.accumulate(np.where(new, place, 0))
    return count


def first_match(sorted_keys: tuple[Ints, Ints], wanted: tuple[Ints, Ints]) -> Ints:
    """Number of the first row that has both keys, for each wanted pair; -1 for none. `sorted_keys` are in order, by the
    first and then the second; negative keys match nothing.
    """
    base = 1 + max(int(keys[1].max(initial=0)) for keys in (sorted_keys, wanted))
    have, want = (one * base + two for one, two in (sorted_keys, wanted))
    place = np.searchsorted(have, want)
    found = np.append(have, -1)[place] == want
    return np.where(found & (wanted[0] >= 0) & (wanted[1] >= 0), place, -1)


def missing(column: pd.Series) -> Flags:
    """Where a column says nothing: nothing at all, or blanks only."""
    return np.array([value is None or not str(value).strip() for value in objects(column)], dtype=bool)
