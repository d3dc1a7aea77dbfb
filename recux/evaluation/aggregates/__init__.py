"""Everything up to a batch, from what came since the last one and what rounds kept of the rest.

A round reads the rows of the people who did something since the last round (and of those who left, or changed arms),
takes their old part out of the kept sums, and puts the new one in. Corrections, late imports and withdrawals are right
that way, and the cost goes with these people's rows, not with the history of everybody else.
"""

from recux.evaluation.aggregates.advance import Cumulative, cumulative

__all__ = ["Cumulative", "cumulative"]
