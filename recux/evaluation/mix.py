"""Whether two groups have the same mix of cohorts, and what is left of their difference if so (Simpson's paradox)."""

from dataclasses import dataclass

import pandas as pd

from recux.evaluation.contrasts import as_figure
from recux.evaluation.figure import FigureValue
from recux.stats import compare_mix, compare_standardised


@dataclass(frozen=True, slots=True)
class MixCheck:
    """What the cohorts of two groups of people do to their difference."""

    p: float
    """p-value of equal shares of the cohorts; it is below .05."""
    within: FigureValue
    """The difference at an equal mix of cohorts."""
    against: str
    """What that means for the difference, in words."""


def mix_check(
    a: "pd.Series[float]", b: "pd.Series[float]", cohorts: "pd.Series[str]", difference: float | None, what: str
) -> MixCheck | None:
    """The check where the mix differs; None where it does not, or nothing is known of cohorts.

    ``a`` and ``b`` hold one value a person, by person; ``what`` names the difference.
    """
    kinds_a, kinds_b = (cohorts.reindex(values.index).fillna("").astype("str") for values in (a, b))
    found = compare_mix(kinds_a, kinds_b)
    if found.p is None or not found.moved:
        return None
    equal = compare_standardised(a.to_numpy(), b.to_numpy(), list(kinds_a), list(kinds_b))
    within = as_figure(equal, f"{what}, at an equal mix of cohorts")
    return MixCheck(found.p, within, _against(found.p, difference, within.value))


def _against(p: float, crude: float | None, within: float | None) -> str:
    moved = f"The mix of cohorts is not the same (p = {p:.2g})"
    if within is None or crude is None:
        return f"{moved}; what the difference is within cohorts cannot be told."
    if crude * within < 0:
        return f"{moved}, and within cohorts the difference points the other way ({within:+.3g}): Simpson's paradox."
    return f"{moved}; within cohorts the difference is {within:+.3g}."
