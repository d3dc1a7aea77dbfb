"""Arms against the control on the study's primary metric; everybody counts, as the comparison was fixed beforehand.

In a crossover each person is compared with themselves, on what tells the arms apart there: the ratings of their lists.
"""

from typing import Any

import numpy as np

from recux.stats import (
    Difference,
    compare_crossover,
    compare_means,
    compare_nps,
    compare_paired,
    compare_proportions,
)
from recux.suggest import family
from recux.suggest.columns import Flags
from recux.suggest.finding import Finding, from_difference
from recux.suggest.frames import Evidence
from recux.suggest.outcomes import answer, level, outcome

FEWEST = 8
"""People with a value in each arm."""


def arms(e: Evidence) -> list[Finding]:
    """One comparison with the control for each other arm; none where an arm has too few people."""
    found = [finding for arm in range(1, len(e.arms)) if (finding := _against_control(e, arm)) is not None]
    return family.equal_shares(found, family.ARMS)


def _against_control(e: Evidence, arm: int) -> Finding | None:
    if e.crossed:
        return _within_people(e, arm)
    metric = e.primary_metric
    values = outcome(e, metric, {})
    if metric == "mean_rating":
        metric, values = level(e)
    if values is None:
        return None
    a, b = ((e.arm_of_person == number) & ~np.isnan(values) for number in (0, arm))
    if min(a.sum(), b.sum()) < FEWEST:
        return None
    return from_difference(
        compare_outcome(e, metric, a, b, values),
        kind="arm",
        metric=metric,
        definition=f"{metric} of the arm minus that of the control",
        where=e.pair(arm),
    )


def _within_people(e: Evidence, arm: int) -> Finding | None:
    found = compare_within(e, 0, arm)
    if found.n_a + found.n_b < FEWEST:
        return None
    return from_difference(
        found,
        kind="arm",
        metric="mean_rating",
        definition="mean_rating of the arm minus that of the control, of the same people",
        where=e.pair(arm),
    )


def compare_within(e: Evidence, control: int, arm: int, rows: Flags | None = None) -> Difference:
    """Ratings in the arm minus those in the control of the same people, cleared of the order in which they met them;
    a paired comparison where fewer than two people met one of the arms first.
    """
    a, b = e.mean_in(control, rows), e.mean_in(arm, rows)
    known = ~np.isnan(a) & ~np.isnan(b)
    first = (e.arm_of_person == control)[known]
    if min(first.sum(), (~first).sum()) < 2:
        return compare_paired(a[known], b[known])
    return compare_crossover(a[known], b[known], first).effect


def compare_outcome(e: Evidence, metric: str, a: Flags, b: Flags, values: Any) -> Difference:
    """B - a by the method that suits the metric; `a` and `b` flag people who have a value."""
    if metric == "nps":
        score = answer(e, "nps", "score")
        return compare_nps([int(s) for s in score[a]], [int(s) for s in score[b]])
    if metric == "csat":
        return compare_proportions(int(values[a].sum()), int(a.sum()), int(values[b].sum()), int(b.sum()))
    return compare_means(values[a], values[b])
