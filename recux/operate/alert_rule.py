"""When a series of measurements is unlike the two days before it: a robust z of each step, looking back only."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STEP_MINUTES = 5
PAST = 576
"""Steps that are looked back on: two days. Half a day must be there before anything is called unusual."""
THRESHOLD = 7.0
"""On the series of the benchmark every threshold from 5 to 8 finds the same; see ``make bench-alerts``."""
NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution in standard deviations."""
JOINED = 12
"""Unusual steps less than this far apart are one stretch: an hour."""


def unusual(values: NDArray[np.float64] | pd.Series) -> NDArray[np.float64]:
    """How far each step (n,) is from the median of the past, in robust standard deviations; NaN: not enough past.

    The past is the ``PAST`` steps before it; its spread is the interquartile range, so that earlier outliers hide
    nothing. A spread of zero counts as a thousandth of the median: a flat series that moves is unusual.
    """
    series = pd.Series(values, dtype="float64")
    past = series.shift(1).rolling(PAST, min_periods=PAST // 4)
    middle = past.median()
    spread = (past.quantile(0.75) - past.quantile(0.25)) / NORMAL_IQR
    floor = np.maximum(middle.abs() * 1e-3, 1e-9)
    return np.asarray((series - middle) / np.maximum(spread, floor))


def stretches(values: NDArray[np.float64] | pd.Series, *, threshold: float = THRESHOLD) -> list[tuple[int, int]]:
    """First and last step of each unusual stretch, in order."""
    found: list[tuple[int, int]] = []
    for step in np.flatnonzero(np.abs(unusual(values)) > threshold):
        if found and step - found[-1][1] <= JOINED:
            found[-1] = (found[-1][0], int(step))
        else:
            found.append((int(step), int(step)))
    return found
