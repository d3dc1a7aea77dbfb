"""Figures as rows of a table, for pages and charts."""

from collections.abc import Iterable, Mapping

import pandas as pd

from recux.evaluation.figure import FigureValue

FIGURE = ("value", "ci_low", "ci_high", "n", "reason", "definition", "method")


def rows_of(figures: Mapping[str, FigureValue], **more: object) -> list[dict[str, object]]:
    """A row for each figure: ``metric``, what ``more`` says, and the fields of ``FIGURE``."""
    return [
        {"metric": metric, **more} | {name: getattr(value, name) for name in FIGURE}
        for metric, value in figures.items()
    ]


def table_of(rows: Iterable[Mapping[str, object]], *more: str) -> pd.DataFrame:
    """The rows as a table with the columns ``metric``, those named in ``more``, and those of ``FIGURE``."""
    return typed(pd.DataFrame(list(rows), columns=["metric", *more, *FIGURE]))


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with numbers where a figure has numbers, NaN where it is not estimable."""
    return table.astype(dict.fromkeys(("value", "ci_low", "ci_high"), "float64")).astype({"n": "Int64"})
