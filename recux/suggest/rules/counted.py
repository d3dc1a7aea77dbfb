"""Drafts about counts of what is in the data: texts filled in from the finding itself, and said to be no test."""

from collections.abc import Mapping
from typing import Any

from recux.suggest.draft import Category, Draft, Predicted, Text, text
from recux.suggest.finding import Finding

BY_DEFINITION = text("A count of what was collected, not a test.", "这是对已收集数据的计数，不是检验。")


def counted(
    rule: str,
    category: Category,
    f: Finding,
    *,
    title: tuple[str, str],
    change: tuple[str, str],
    predicted: Predicted,
    guardrails: tuple[str, ...] = (),
    against: tuple[Text, ...] = (),
    more: Mapping[str, Any] | None = None,
) -> Draft:
    """A draft whose two texts (English, Chinese) may name `value`, `low`, `high`, `n`, the segment's keys, the facts of
    the finding, and `more`.
    """
    facts = {"value": f.value, "low": f.low, "high": f.high, "n": f.n, **f.where, **f.facts, **(more or {})}
    return Draft(
        rule=rule,
        version=1,
        category=category,
        finding=f,
        title=text(*title, **facts),
        change=text(*change, **facts),
        predicted=predicted,
        guardrails=guardrails,
        against=(*against, BY_DEFINITION),
    )
