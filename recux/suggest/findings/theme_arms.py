"""Complaint themes that people of one arm mention more than people of another.

The themes are those of the discovery half. How different the arms are there decides the shares of the error budget;
the test (Fisher's exact) and the estimate come from the confirmation half. A person who wrote counts once.
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np
from scipy import stats

from recux.stats import compare_proportions
from recux.suggest import family
from recux.suggest.columns import Flags, Floats
from recux.suggest.finding import Finding, from_difference, ids_of
from recux.suggest.frames import Evidence
from recux.suggest.outcomes import mentioned

FEWEST = 8
"""People who wrote, in each arm and half."""
OF_ARMS = 0.3
"""Part of the budget of comments that goes to arms."""
Counts = tuple[int, int, int, int]
"""Who mentions it and who wrote: in the arm that mentions it less, then in the one that mentions it more."""


def themes_in_arms(e: Evidence, said_by: Mapping[tuple[str, ...], Floats]) -> list[Finding]:
    """Every theme in every arm against the control, in the direction of the discovery half.

    `said_by` holds for each theme whether each person mentions it, NaN for people who wrote nothing.
    """
    if e.crossed:  # who writes for whom is not told apart
        return []
    tried = [
        (theme, _counted(e, values, arm, ~e.confirm))
        for theme, values in said_by.items()
        for arm in range(1, len(e.arms))
        if _enough(e, values, arm)
    ]
    strength = np.array([_z(found[0]) for _, found in tried])
    shares = family.shares_by_strength(strength, family.COMMENTS * OF_ARMS)
    found = []
    for index, share in shares:
        theme, (_, sides) = tried[index]
        finding, p = _tested(e, theme, np.where(e.confirm, said_by[theme], np.nan), *sides)
        found.extend([finding.tested(p, share, tried=len(tried))] if finding else [])
    return found


def _enough(e: Evidence, values: Floats, arm: int) -> bool:
    wrote = ~np.isnan(values)
    sizes = [(wrote & half & (e.arm_of_person == one)).sum() for half in (e.confirm, ~e.confirm) for one in (0, arm)]
    return bool(min(sizes) >= FEWEST)


def _counted(e: Evidence, values: Floats, arm: int, half: Flags) -> tuple[Counts, tuple[int, int]]:
    """Counts of a half, and the arms (with less, with more)."""
    sides = {one: values[half & (e.arm_of_person == one) & ~np.isnan(values)] for one in (0, arm)}
    less, more = sorted(sides, key=lambda one: (sides[one].mean(), one))
    pair = int(sides[less].sum()), len(sides[less]), int(sides[more].sum()), len(sides[more])
    return pair, (less, more)


def _z(counts: Counts) -> float:
    a, m, b, n = counts
    pooled = (a + b + 1) / (m + n + 2)
    return (b / n - a / m) / sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))


def _tested(e: Evidence, theme: tuple[str, ...], values: Floats, less: int, more: int) -> tuple[Finding | None, float]:
    """The finding from the values of the confirmation half, and its p."""
    a, b = (values[(e.arm_of_person == arm) & ~np.isnan(values)] for arm in (less, more))
    where = {"theme": " | ".join(theme), "arm": e.arm_key(more), "control": e.arm_key(less)}
    said = mentioned(e, where) & (e.arm_of_person[e.person] == more) & e.confirm[e.person]
    finding = from_difference(
        compare_proportions(int(a.sum()), len(a), int(b.sum()), len(b)),
        kind="theme_arm",
        metric="theme_share",
        definition="share of people who mention the theme in the arm, minus that in the other, of those who wrote",
        where=where,
        facts={"theme": theme[0], "share_arm": float(b.mean()), "share_control": float(a.mean())},
        ids={"comments": ids_of(e.ratings["id"][said])},
    )
    table = [[int(b.sum()), int((1 - b).sum())], [int(a.sum()), int((1 - a).sum())]]
    return finding, float(stats.fisher_exact(table, alternative="greater").pvalue)
