"""Arms against the control on the study's primary metric; everybody counts, as the comparison was fixed beforehand."""

from typing import Any

import numpy as np

from recux.stats import Difference, compare_means, compare_nps, compare_proportions
from recux.suggest import family
from recux.suggest.columns import Flags
from recux.suggest.finding import Finding, from_difference
from recux.suggest.frames import Evidence
from recux.suggest.outcomes import answer, outcome

FEWEST = 8
"""People with a value in each arm."""


def arms(e: Evidence) -> list[Finding]:
    """One comparison with the control for each other arm; none where an arm has too few people."""
    found = [finding for arm in range(1, len(e.arms)) if (finding := _against_control(e, arm)) is not None]
    return family.equal_shares(found, family.ARMS)


def _against_control(e: Evidence, arm: int) -> Finding | None:
    values = outcome(e, e.primary_metric, {})
    if values is None:
        return None
    a, b = ((e.arm_of_person == number) & ~np.isnan(values) for number in (0, arm))
    if min(a.sum(), b.sum()) < FEWEST:
        return None
    base: dict[str, Any] = {"arm": e.arm_key(arm), "control": e.arm_key(0)}
    return from_difference(
        compare_outcome(e, e.primary_metric, a, b, values),
        kind="arm",
        metric=e.primary_metric,
        definition=f"{e.primary_metric} of the arm minus that of the control",
        where=base,
        facts={"mean_arm": float(values[b].mean()), "mean_control": float(values[a].mean())},
    )


def compare_outcome(e: Evidence, metric: str, a: Flags, b: Flags, values: Any) -> Difference:
    """B - a by the method that suits the metric; `a` and `b` flag people who have a value."""
    if metric == "nps":
        score = answer(e, "nps", "score")
        return compare_nps([int(s) for s in score[a]], [int(s) for s in score[b]])
    if metric == "csat":
        return compare_proportions(int(values[a].sum()), int(a.sum()), int(values[b].sum()), int(b.sum()))
    return compare_means(values[a], values[b])
