"""What every kind of paper is made of: sections of text and tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recux.report.language import _
from recux.report.words import estimate, name_of

Json = Mapping[str, Any]

SATISFACTION = ("nps", "csat", "ces", "mean_rating", "sus", "umux_lite")


@dataclass(frozen=True)
class Table:
    """Rows of words under a head."""

    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Section:
    """One part of the report."""

    key: str
    title: str
    text: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def by_arm(part: Json, metrics: Iterable[str], arms: list[str]) -> Table:
    """A row for each metric: everyone together, then arm by arm (when there are several)."""
    columns = arms if len(arms) > 1 else []
    found = [metric for metric in metrics if metric in part]
    rows = [
        [name_of(m), estimate(part[m], m), *(estimate(part["by_arm"][arm].get(m), m) for arm in columns)] for m in found
    ]
    return Table(["", _("Everyone"), *columns], rows)


def when(moment: str | None) -> str:
    """A moment as people read it, or a dash."""
    return "-" if moment is None else moment[:16].replace("T", " ")
