"""Whether two groups have the same mix of cohorts, and what is left of their difference if so (Simpson's paradox)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from recux.evaluation.contrasts import as_figure
from recux.evaluation.figure import FigureValue
from recux.stats import Difference, Mix, compare_mix, compare_standardised, holm

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class MixCheck:
    """What the cohorts of two groups of people do to their difference."""

    p: float
    """p-value of equal shares of the cohorts, by itself."""
    p_adjusted: float
    """Adjusted (Holm) over all comparisons that are looked at together; a note is made where it is below .05."""
    crude: float | None
    """The difference of all people."""
    within: FigureValue | None
    """The difference at an equal mix of cohorts; None where ``p`` leaves no room for a note."""

    @property
    def against(self) -> str:
        """What that means for the difference, in words."""
        value = None if self.within is None else self.within.value
        return against(self.p_adjusted, self.crude, value)

    def details(self) -> dict[str, Any]:
        """What is stored and reported beside the difference."""
        within = None if self.within is None else self.within.to_json()
        return {
            "mix_p": self.p,
            "mix_p_adjusted": self.p_adjusted,
            "within_cohorts": within,
            "against": self.against,
        }


def mix_check(
    a: "pd.Series[float]", b: "pd.Series[float]", cohorts: "pd.Series[str]", difference: float | None, what: str
) -> MixCheck | None:
    """The check of one comparison, still by itself (see ``noted``); None where there is nothing to check.

    ``a`` and ``b`` hold one value a person, by person; ``what`` names the difference.
    """
    kinds_a, kinds_b = (cohorts.reindex(values.index).fillna("").astype("str") for values in (a, b))

    def equal() -> Difference:
        return compare_standardised(a.to_numpy(), b.to_numpy(), list(kinds_a), list(kinds_b))

    return check_of(compare_mix(kinds_a, kinds_b), equal, difference, what)


def check_of(mix: Mix, equal: Any, difference: float | None, what: str) -> MixCheck | None:
    """The check from the test of the mix; ``equal()`` is the difference at an equal mix, asked for only if needed."""
    if mix.p is None:
        return None
    within = as_figure(equal(), f"{what}, at an equal mix of cohorts") if mix.p < LEVEL else None
    return MixCheck(mix.p, mix.p, difference, within)


def noted(checks: Sequence[MixCheck | None]) -> list[MixCheck | None]:
    """The checks of all comparisons that are looked at together, adjusted for their number (Holm 1979).

    None stays where the mix cannot be said to differ: among comparisons without any difference of the mix, a note is
    made of any of them in at most 5 % of studies.
    """
    adjusted = iter(holm([one.p for one in checks if one is not None]))
    found = [None if one is None else replace(one, p_adjusted=float(next(adjusted))) for one in checks]
    return [one if one is not None and one.p_adjusted < LEVEL else None for one in found]


def against(p: float, crude: float | None, within: float | None) -> str:
    """What another mix means for a difference."""
    moved = f"The mix of cohorts is not the same (adjusted p = {p:.2g})"
    if within is None or crude is None:
        return f"{moved}; what the difference is within cohorts cannot be told."
    if crude * within < 0:
        return f"{moved}, and within cohorts the difference points the other way ({within:+.3g}): Simpson's paradox."
    return f"{moved}; within cohorts the difference is {within:+.3g}."
