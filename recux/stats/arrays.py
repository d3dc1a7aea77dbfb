"""Checks that turn the caller's values into arrays, or say exactly which value is wrong."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.stats.errors import StatisticsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST = 1e140  # a million values of this size can still be squared and summed in double precision


def numbers(values: Iterable[Any], name: str, *, low: float | None = None, high: float | None = None) -> Floats:
    """One-dimensional finite float array of `values`; StatisticsError names the first value that does not fit."""
    array = _floats(values, name)
    if array.ndim != 1:
        raise StatisticsError(f"{name} has {array.ndim} dimensions, must be a flat list of numbers")
    _refuse(array, ~np.isfinite(array), name, "must be finite numbers (leave missing answers out)")
    _refuse(array, np.abs(array) > LARGEST, name, f"must be at most {LARGEST:g} in size, or sums of squares overflow")
    if low is not None:
        _refuse(array, array < low, name, f"must be at least {low:g}")
    if high is not None:
        _refuse(array, array > high, name, f"must be at most {high:g}")
    return array


def answers(values: Iterable[Any], name: str, *, low: int, high: int) -> Floats:
    """Whole-number answers from `low` to `high`; None is a skipped answer and is left out."""
    if not isinstance(values, np.ndarray) or values.dtype == object:
        values = [value for value in listed(values, name) if value is not None]
    array = numbers(values, name, low=low, high=high)
    _refuse(array, array != np.round(array), name, "must be whole numbers")
    return array


def pair_of(a: Iterable[Any], b: Iterable[Any], name_a: str, name_b: str) -> tuple[Floats, Floats]:
    """Two finite arrays of the same length."""
    first, second = numbers(a, name_a), numbers(b, name_b)
    if len(first) != len(second):
        raise StatisticsError(f"{name_a} has {len(first)} values and {name_b} has {len(second)}, must be equal")
    return first, second


def cluster_codes(clusters: Iterable[Any], length: int, name: str) -> tuple[Ints, int]:
    """Codes 0..n-1 of the clusters (participants), one for each value, and n; sorted labels, so order is no matter."""
    labels = np.asarray(clusters) if hasattr(clusters, "__array__") else _labels(clusters, name)
    if labels.ndim != 1:
        raise StatisticsError(f"{name} has {labels.ndim} dimensions, must be a flat list of labels")
    try:
        codes, unique = pd.factorize(labels, sort=True)
    except TypeError as error:
        raise StatisticsError(f"{name} must be plain labels such as numbers or text: {error}") from error
    if len(codes) != length:
        raise StatisticsError(f"{name} has {len(codes)} labels for {length} values, must be one for each value")
    if (codes < 0).any():
        raise StatisticsError(f"{name}[{int((codes < 0).argmax())}] is missing: every value needs its participant")
    return codes.astype(np.int64), len(unique)


def table_of(table: Any, name: str = "table") -> Floats:
    """People x questions as floats, NaN where an answer is missing; infinities are refused."""
    array = table.to_numpy(dtype=float, na_value=np.nan) if hasattr(table, "to_numpy") else _floats(table, name)
    if array.ndim != 2:
        raise StatisticsError(f"{name} has {array.ndim} dimensions, must be people x questions")
    if np.isinf(array).any():
        row, column = (int(i) for i in np.argwhere(np.isinf(array))[0])
        raise StatisticsError(f"{name}[{row}, {column}] is infinite, must be a number or missing")
    return np.asarray(array, dtype=np.float64)


def share(value: float, name: str) -> float:
    """`value` if it lies strictly between 0 and 1 (levels, quantiles, powers)."""
    if not 0 < number(value, name) < 1:
        raise StatisticsError(f"{name} == {value!r}, must be between 0 and 1")
    return float(value)


def number(value: float, name: str) -> float:
    """`value` as a float, which may be infinite or NaN; StatisticsError if it is no single number."""
    if not isinstance(value, (int, float, np.number)):
        raise StatisticsError(f"{name} is {type(value).__name__}, must be one number")
    return float(value)


def listed(values: Iterable[Any], name: str) -> list[Any]:
    """`values` as a list; StatisticsError if there is nothing to go through."""
    try:
        return list(values)
    except TypeError as error:
        raise StatisticsError(f"{name} is {type(values).__name__}, must be a list of values") from error


def count(value: float, name: str, *, low: int = 0) -> int:
    """`value` as an int if it is a whole number of at least `low`."""
    if not np.isfinite(number(value, name)) or value != int(value) or value < low:
        raise StatisticsError(f"{name} == {value!r}, must be a whole number of at least {low}")
    return int(value)


def choice(value: str, name: str, allowed: Sequence[str]) -> str:
    """`value` if it is one of `allowed`."""
    if value not in allowed:
        raise StatisticsError(f"{name} == {value!r}, must be one of {', '.join(allowed)}")
    return value


def _floats(values: Any, name: str) -> Floats:
    source = values if isinstance(values, np.ndarray) or hasattr(values, "__array__") else listed(values, name)
    try:
        array = np.asarray(source)
        if array.dtype.kind in "USMm" or (array.dtype == object and any(isinstance(v, str) for v in array.flat)):
            raise StatisticsError(f"{name} holds text or times, must be numbers")
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise StatisticsError(f"{name} must be numbers: {error}") from error


def _labels(clusters: Iterable[Any], name: str) -> NDArray[Any]:
    items = listed(clusters, name)
    labels = np.empty(len(items), dtype=object)
    labels[:] = items
    return labels


def _refuse(array: Floats, bad: NDArray[np.bool_], name: str, rule: str) -> None:
    if bad.any():
        index = int(bad.argmax())
        raise StatisticsError(f"{name}[{index}] == {array[index]:g}, {rule}")
