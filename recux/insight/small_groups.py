"""Groups too small to be shown: in a figure of three people, each of them may be recognised.

Everything that is cut (by arm, cohort, category, language, period, or whatever is filtered) goes through here before
it is shown or taken away. The study as a whole is no group. ``Study.min_group`` is the least number of people.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from recux.evaluation.experiment import Comparison

VALUES = ["value", "ci_low", "ci_high"]


def too_few(least: int) -> str:
    """Why a figure is hidden."""
    return f"hidden: fewer than {least} people, who could be recognised"


def hide_small(table: pd.DataFrame, least: int, *, where: Any = None) -> pd.DataFrame:
    """``table`` (``value``, ``ci_low``, ``ci_high``, ``n``, ``reason``) with figures of 1 to ``least`` - 1 people
    taken out, their n too; ``reason`` says so. ``where`` picks the rows that are groups (default: all are).
    """
    small = table["n"].fillna(0).between(1, least - 1)
    if where is not None:
        small &= where
    if not small.any():
        return table
    kept = table.copy()
    kept.loc[small, VALUES] = float("nan")
    kept["n"] = kept["n"].mask(small)
    kept["reason"] = kept["reason"].astype(object).where(~small, too_few(least))
    return kept


def hide_comparison(one: Comparison, people: Mapping[str, int], least: int) -> Comparison:
    """The comparison without its figures where an arm has 1 to ``least`` - 1 of the ``people`` (by arm)."""
    if not any(0 < people.get(arm, 0) < least for arm in (one.arm, one.control)):
        return one
    why = too_few(least)
    hidden = replace(one.difference, value=None, ci_low=None, ci_high=None, n=None, reason=why)
    gone: dict[str, Any] = dict.fromkeys(("p", "p_adjusted", "further", "mix"))
    return replace(one, difference=hidden, verdict="cannot_tell", because=why, **gone)


def rows_of_enough(rows: pd.DataFrame, least: int, *, person: str = "participant") -> pd.DataFrame:
    """``rows`` (one a rating, an answer, a comment) when they come from ``least`` people or more, else none of them."""
    return rows if rows[person].nunique() >= least else rows.iloc[:0]
