"""Checks that turn the caller's values into arrays, or say exactly which value is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.stats.errors import StatisticsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST = 1e50  # third powers of a million values of this size can still be summed in double precision
MOST = 10**15  # people, places, draws: whole numbers far beyond are not told apart in double precision
CLOSEST = 1e-12  # of a level to 0 or 1: nearer than this its quantiles are infinite
NUMBER = (int, float, np.integer, np.floating)


def numbers(values: Iterable[Any], name: str, *, low: float | None = None, high: float | None = None) -> Floats:
    """One-dimensional finite float array of `values`; StatisticsError names the first value that does not fit."""
    array = _floats(values, name)
    if array.ndim != 1:
        raise StatisticsError(f"{name} has {array.ndim} dimensions, must be a flat list of numbers")
    _refuse(array, ~np.isfinite(array), name, "must be finite numbers (leave missing answers out)")
    _refuse(array, np.abs(array) > LARGEST, name, f"must be at most {LARGEST:g} in size, or sums of powers overflow")
    if low is not None:
        _refuse(array, array < low, name, f"must be at least {low:g}")
    if high is not None:
        _refuse(array, array > high, name, f"must be at most {high:g}")
    return array


def answers(values: Iterable[Any], name: str, *, low: int, high: int) -> Floats:
    """Whole-number answers from `low` to `high`; None, NaN and pandas' NA are skipped answers and are left out."""
    if not isinstance(values, np.ndarray) or values.dtype == object:
        values = [value for value in listed(values, name) if not _is_skipped(value)]
        if any(isinstance(value, (bool, np.bool_)) for value in values):
            raise StatisticsError(f"{name} holds true or false, must be numbers of the scale")
    elif values.dtype == bool:
        raise StatisticsError(f"{name} holds true or false, must be numbers of the scale")
    elif values.dtype.kind == "f" and values.ndim == 1:
        values = values[~np.isnan(values)]
    array = numbers(values, name, low=low, high=high)
    _refuse(array, array != np.round(array), name, "must be whole numbers")
    return array


def flags(values: Iterable[Any], name: str) -> NDArray[np.bool_]:
    """True or false (also 1 or 0) for each value."""
    array = numbers(values, name)
    _refuse(array, (array != 0) & (array != 1), name, "must be true or false")
    return np.asarray(array == 1)


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
    if labels.dtype.kind in "fc" and labels.dtype.itemsize > 8:
        raise StatisticsError(f"{name} must be plain labels such as numbers or text, not {labels.dtype}")
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
    array = _floats(table.to_numpy(dtype=object, na_value=np.nan) if _has_columns_of_objects(table) else table, name)
    if array.ndim != 2:
        raise StatisticsError(f"{name} has {array.ndim} dimensions, must be people x questions")
    if (np.abs(array) > LARGEST).any():  # NaN is not
        row, column = (int(i) for i in np.argwhere(np.abs(array) > LARGEST)[0])
        value = array[row, column]
        raise StatisticsError(f"{name}[{row}, {column}] == {value:g}, must be at most {LARGEST:g} in size, or missing")
    return np.asarray(array, dtype=np.float64)


def share(value: float, name: str) -> float:
    """`value` if it lies strictly between 0 and 1 (levels, quantiles, powers)."""
    given = number(value, name)
    if not CLOSEST <= given <= 1 - CLOSEST:
        raise StatisticsError(f"{name} == {value!r}, must be between 0 and 1")
    return given


def number(value: float, name: str) -> float:
    """`value` as a float, which may be infinite or NaN; StatisticsError if it is no single number."""
    if not isinstance(value, NUMBER) or isinstance(value, (bool, np.timedelta64)):
        raise StatisticsError(f"{name} is {type(value).__name__}, must be one number")
    try:
        return float(value)
    except OverflowError as error:
        raise StatisticsError(f"{name} is too large for a number in double precision") from error


def listed(values: Iterable[Any], name: str) -> list[Any]:
    """`values` as a list; StatisticsError if there is nothing to go through, or it is no list of single values."""
    if isinstance(values, (str, bytes, bytearray, Mapping, pd.DataFrame)):
        raise StatisticsError(f"{name} is {type(values).__name__}, must be a list of values")
    _refuse_masked(values, name)
    try:
        return list(values)
    except TypeError as error:
        raise StatisticsError(f"{name} is {type(values).__name__}, must be a list of values") from error


def count(value: float, name: str, *, low: int = 0) -> int:
    """`value` as an int if it is a whole number of at least `low`."""
    given = number(value, name)
    if not low <= given <= MOST or given != int(given):
        raise StatisticsError(f"{name} == {value!r}, must be a whole number of at least {low}")
    return int(given)


def generator(seed: int) -> np.random.Generator:
    """Random numbers that `seed`, a whole number of at least 0, fixes."""
    return np.random.default_rng(count(seed, "seed"))


def choice(value: str, name: str, allowed: Sequence[str]) -> str:
    """`value` if it is one of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        raise StatisticsError(f"{name} == {value!r}, must be one of {', '.join(allowed)}")
    return value


def _floats(values: Any, name: str) -> Floats:
    source = values if hasattr(values, "__array__") else listed(values, name)
    _refuse_masked(source, name)
    try:
        array = np.asarray(source)
        if array.dtype.kind in "USMmcV" or (array.dtype == object and any(map(_is_no_number, array.flat))):
            raise StatisticsError(f"{name} holds text, times or complex numbers, must be numbers")
        with np.errstate(over="ignore"):  # what does not fit is infinite, which the caller refuses
            return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise StatisticsError(f"{name} must be numbers: {error}") from error


def _refuse_masked(values: Any, name: str) -> None:
    if np.ma.is_masked(values):
        raise StatisticsError(f"{name} has masked values (leave missing answers out)")


def _is_skipped(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))


def _is_no_number(value: object) -> bool:
    return isinstance(value, (str, bytes, np.timedelta64, np.datetime64))


def _has_columns_of_objects(table: Any) -> bool:
    """Whether this is a data frame some column of which is no plain array of numbers."""
    plain = "biuf"
    return isinstance(table, pd.DataFrame) and not all(
        isinstance(t, np.dtype) and t.kind in plain for t in table.dtypes
    )


def _labels(clusters: Iterable[Any], name: str) -> NDArray[Any]:
    items = listed(clusters, name)
    labels = np.empty(len(items), dtype=object)
    labels[:] = items
    return labels


def _refuse(array: Floats, bad: NDArray[np.bool_], name: str, rule: str) -> None:
    if bad.any():
        index = int(bad.argmax())
        raise StatisticsError(f"{name}[{index}] == {array[index]:g}, {rule}")
