"""Adjusted p-values for several tests at once."""

from collections.abc import Iterable

import numpy as np

from recux.stats.arrays import Floats, Ints, numbers


class Adjusted(tuple[float, ...]):
    """Adjusted p-values, one for each p-value given, in the same order, none above 1."""

    __slots__ = ()

    @property
    def adjusted(self) -> tuple[float, ...]:
        """The same values, under the name the other results would use."""
        return tuple(self)


def holm(p: Iterable[float]) -> Adjusted:
    """Holm's step-down adjustment (1979): holds the chance of any false alarm. For guardrails and several arms."""
    values = numbers(p, "p", low=0, high=1)
    order = np.argsort(values, kind="stable")
    scaled = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return _in_order(scaled, order)


def benjamini_hochberg(p: Iterable[float]) -> Adjusted:
    """Benjamini and Hochberg's adjustment (1995): holds the share of false alarms among findings. For exploration."""
    values = numbers(p, "p", low=0, high=1)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * (len(values) / np.arange(1, len(values) + 1))
    return _in_order(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _in_order(scaled: Floats, order: Ints) -> Adjusted:
    adjusted = np.empty(len(scaled))
    adjusted[order] = np.minimum(scaled, 1.0)
    return Adjusted(float(value) for value in adjusted)
