"""One error budget for everything that a round tries, so that more rules do not mean more false alarms.

All hypotheses of a round form one family, and weighted Holm (1979) holds the chance of even one false discovery in it
at `LEVEL`. A false-discovery rate would be a weaker promise: true but unimportant findings, such as that ratings fall
towards the end of a list, would then make room for false ones about arms. Pre-specified comparisons get fixed shares
of the budget. Segments and themes, of which there may be thousands, are looked at on the discovery half of the people;
the stronger one looks there, the larger its share when it is tested on the other half. Shares and tests come from
different people, so looking costs nothing (Genovese, Roeder and Wasserman 2006).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recux.suggest.columns import Floats
from recux.suggest.finding import Finding

LEVEL = 0.04

ARMS, ARM_SEGMENTS, SEGMENTS, SERVICE, COMMENTS, OTHERS = 0.22, 0.33, 0.20, 0.05, 0.10, 0.10
"""Shares of the budget by kind; they add up to 1. What a round has nothing to test of goes to the other kinds."""

STEEPNESS = 3.0
"""A candidate's share is proportional to exp(STEEPNESS x z), the likelihood ratio of an effect of three standard errors
in the discovery half against none. Between 2 and 4 the power hardly changes."""
MOST_TESTED = 12
"""Candidates beyond these have shares too small for anything to be proven."""


def shares_by_strength(strength: Floats, share: float) -> list[tuple[int, float]]:
    """The strongest candidates (z in the discovery half, higher is stronger) with their parts of `share`."""
    if not len(strength):
        return []
    weight = np.exp(STEEPNESS * (strength - strength.max()))
    parts = share * weight / weight.sum()
    order = np.argsort(-strength, kind="stable")[:MOST_TESTED]
    return [(int(i), float(parts[i])) for i in order]


def equal_shares(findings: Sequence[Finding], share: float) -> list[Finding]:
    """Tested findings of a pre-specified kind, dividing `share` equally."""
    return [replace(finding, share=share / len(findings), tried=len(findings)) for finding in findings]


def adjusted(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with adjusted p-values and the number of hypotheses that were tried for all of them.

    An adjusted p of at most `LEVEL` is a discovery. Findings without a test are passed on as they are.
    """
    tests = [finding for finding in findings if finding.p is not None]
    p = np.array([finding.p for finding in tests], dtype=np.float64)
    tried = total_tried(tests)
    kept = [finding for finding in findings if finding.p is None]
    share = np.array([finding.share for finding in tests], dtype=np.float64)
    adjusted_p = step_down(p, share / share.sum()) if len(p) else p  # a study of one arm has none to compare, and so on
    return kept + [
        replace(finding, p_adjusted=float(one), tried=tried) for finding, one in zip(tests, adjusted_p, strict=True)
    ]


def step_down(p: Floats, share: Floats) -> Floats:
    """Weighted Holm: in ascending order of p / share, each is multiplied by the share of the budget that is left.

    `share` adds up to at most 1. With equal shares this is Holm's adjustment.
    """
    scaled = p / share
    order = np.argsort(scaled, kind="stable")
    left = share.sum() - np.concatenate([[0.0], np.cumsum(share[order])[:-1]])
    result = np.empty(len(p))
    result[order] = np.minimum(np.maximum.accumulate(scaled[order] * left), 1.0)
    return result


def total_tried(tests: Sequence[Finding]) -> int:
    """Hypotheses of all kinds: `tried` counts a kind's hypotheses and is the same for all findings of the kind."""
    return sum({(finding.kind, finding.facts.get("family", "")): finding.tried for finding in tests}.values())


def discoveries(findings: Sequence[Finding], kind: str) -> list[Finding]:
    """Findings of `kind` that the family as a whole lets through."""
    return [f for f in findings if f.kind == kind and f.p_adjusted is not None and f.p_adjusted <= LEVEL]


def counts(findings: Sequence[Finding], kind: str) -> list[Finding]:
    """Findings of `kind` that are counts of what is in the data, without a test."""
    return [f for f in findings if f.kind == kind and f.p is None]
