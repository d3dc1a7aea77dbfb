"""One error budget for everything that a round tries, so that more rules do not mean more false alarms.

All hypotheses of a round form one family. Weighted Benjamini-Hochberg (Genovese, Roeder and Wasserman 2006) holds
the false-discovery rate at `LEVEL` over the family; where nothing is true this is the chance of any suggestion.
Pre-specified comparisons get fixed shares of the budget. Segments and themes, of which there may be thousands, are
ordered on the discovery half of the people; the first in that order gets the largest share when it is tested on the
other half, the second less, and so on. The order and the test use different people, so looking costs nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recux.suggest.finding import Finding
from recux.suggest.frames import Floats

LEVEL = 0.04

ARMS, ARM_SEGMENTS, SEGMENTS, SERVICE, COMMENTS, OTHERS = 0.25, 0.30, 0.25, 0.05, 0.05, 0.10
"""Shares of the budget by kind; they add up to 1."""

DECAY = 0.4
DEEPEST = 12  # below this rank a candidate's share is too small for anything to be proven


def shares_in_order(order: Sequence[int], share: float) -> list[tuple[int, float]]:
    """Candidates in their discovery order with their shares: .6 of `share` for the first, then .4 of the rest, ..."""
    return [(candidate, share * (1 - DECAY) * DECAY**rank) for rank, candidate in enumerate(order[:DEEPEST])]


def equal_shares(findings: Sequence[Finding], share: float) -> list[Finding]:
    """Tested findings of a pre-specified kind, dividing `share` equally."""
    return [replace(finding, share=share / len(findings), tried=len(findings)) for finding in findings]


def adjusted(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with adjusted p-values and the number of hypotheses that were tried for all of them.

    `p / share`, in ascending order, is divided by its rank and made monotone; an adjusted p of at most `LEVEL` is a
    discovery. Findings without a test are passed on as they are.
    """
    tests = [finding for finding in findings if finding.p is not None]
    scaled = np.array([finding.p / finding.share for finding in tests if finding.p is not None])
    tried = total_tried(tests)
    kept = [finding for finding in findings if finding.p is None]
    return kept + [
        replace(finding, p_adjusted=float(p), tried=tried) for finding, p in zip(tests, step_up(scaled), strict=True)
    ]


def step_up(scaled: Floats) -> Floats:
    """Benjamini and Hochberg's step from p-values already divided by their shares, each at most 1, same order."""
    order = np.argsort(scaled, kind="stable")
    stepped = scaled[order] / np.arange(1, len(scaled) + 1)
    monotone = np.minimum.accumulate(stepped[::-1])[::-1] if len(scaled) else stepped
    result = np.empty(len(scaled))
    result[order] = np.minimum(monotone, 1.0)
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
