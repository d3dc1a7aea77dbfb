"""Scores of short standard questionnaires: CSAT, CES, SUS, UMUX-Lite."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from recux.stats.arrays import LARGEST, Floats, answers, count, listed, number, numbers, share
from recux.stats.errors import StatisticsError
from recux.stats.moments import Moments, moments
from recux.stats.one_mean import METHOD, mean_interval
from recux.stats.proportions import proportion
from recux.stats.results import Estimate, no_estimate


@dataclass(frozen=True, slots=True)
class Sus:
    """The System Usability Scale score of one person."""

    value: float
    """0 (worst) to 100 (best), in steps of 2.5."""


@dataclass(frozen=True, slots=True)
class UmuxLite:
    """The UMUX-Lite score of one person."""

    raw: float
    """0 to 100: both answers on a common scale."""
    value: float
    """Estimate of the SUS score, 22.9 to 87.9 (Lewis, Utesch and Maher 2013)."""


def csat(scores: Iterable[int | None], *, scale: int = 5, level: float = 0.95) -> Estimate:
    """Share (0 to 1) of the two highest answers of a scale 1..`scale`, with a Clopper-Pearson interval.

    None, NaN and NA = skipped, not in the denominator. Raises StatisticsError for an answer off the scale or a scale
    below 4.
    """
    top = count(scale, "scale", low=4) - 1
    given = answers(scores, "scores", low=1, high=scale)
    return proportion(int((given >= top).sum()), len(given), level=level)


def ces(scores: Iterable[int | None], *, level: float = 0.95) -> Estimate:
    """Customer effort score: the mean of answers 1 to 7 (high = easy), with a skewness-corrected t interval.

    None, NaN and NA = skipped. When all answers are equal the t interval has no width; then the share L that gives this
    answer is at least (alpha/2)^(1/n) (Clopper-Pearson), and the rest may answer anything: that is the interval used.
    """
    given = answers(scores, "scores", low=1, high=7)
    return bounded_mean(given, low=1, high=7, level=level)


def bounded_mean(values: Iterable[float], *, low: float, high: float, level: float = 0.95) -> Estimate:
    """Mean of one value a person on a scale from `low` to `high`, with an interval clipped to the scale.

    Student's t, corrected for skewness (see recux.stats.one_mean). Constant values get the conservative interval
    described at `ces`, so that agreement is never shown as certainty. Raises StatisticsError for a value off the scale
    or not finite.
    """
    if not -LARGEST <= number(low, "low") < number(high, "high") <= LARGEST:
        raise StatisticsError(f"low == {low!r} and high == {high!r}, must be the ends of a scale")
    trace = 1e-9 * (high - low)  # means of answers may lie a rounding error off the scale
    given = numbers(values, "values", low=low - trace, high=high + trace)
    return bounded_mean_of(moments(given), low=low, high=high, level=level)


def bounded_mean_of(found: Moments, *, low: float, high: float, level: float = 0.95) -> Estimate:
    """`bounded_mean` of values of which only the moments are known."""
    n, alpha, mean = found.n, 1 - share(level, "level"), found.mean
    if n == 0:
        return no_estimate("nobody answered", n=0, method=METHOD)
    if found.variance == 0:
        agree = (alpha / 2) ** (1 / n)
        ends = agree * mean + (1 - agree) * low, agree * mean + (1 - agree) * high
        return Estimate(mean, *ends, n, "exact interval for equal answers")
    start, end = mean_interval(found, level)
    return Estimate(mean, max(low, start), min(high, end), n, METHOD)


def sus(answers: Sequence[int]) -> Sus:
    """System Usability Scale of one person from 10 answers 1 to 5 in questionnaire order (Brooke 1996).

    Odd questions count answer - 1, even ones 5 - answer; the sum times 2.5. Raises StatisticsError unless there are
    exactly ten answers on the scale: a missing answer makes the score undefined.
    """
    given = _exactly(answers, 10, 5)
    return Sus(2.5 * float((given[0::2] - 1).sum() + (5 - given[1::2]).sum()))


def sus_scores(table: Floats) -> Floats:
    """`sus` of many people: `table` has shape (people, 10), answers 1 to 5, none missing."""
    return np.asarray(2.5 * ((table[:, 0::2] - 1).sum(axis=1) + (5 - table[:, 1::2]).sum(axis=1)))


def umux_lite_scores(table: Floats) -> Floats:
    """The value of `umux_lite` of many people: `table` has shape (people, 2), answers 1 to 7, none missing."""
    return np.asarray(0.65 * ((table.sum(axis=1) - 2) * 100 / 12) + 22.9)


def umux_lite(answers: Sequence[int]) -> UmuxLite:
    """UMUX-Lite of one person from 2 answers 1 to 7; value = .65 raw + 22.9 predicts SUS (Lewis et al. 2013)."""
    given = _exactly(answers, 2, 7)
    raw = float(given.sum() - 2) * 100 / 12
    return UmuxLite(raw, 0.65 * raw + 22.9)


def _exactly(values: Sequence[int], length: int, high: int) -> Floats:
    all_given = listed(values, "answers")
    given = answers(all_given, "answers", low=1, high=high)
    if len(given) != length or len(all_given) != length:
        raise StatisticsError(f"{len(given)} answers given, must be {length}, none skipped")
    return given
