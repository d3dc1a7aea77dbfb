"""Cells that a spreadsheet program cannot mistake for a formula."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def safe_cell(value: Any) -> Any:
    """``value``, with an apostrophe before text that a spreadsheet would run as a formula; numbers stay numbers.

    Source: OWASP, CSV injection.
    """
    if isinstance(value, str) and value.startswith(STARTS_FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_of(table: "pd.DataFrame") -> bytes:
    """A table as CSV in UTF-8, with a mark that spreadsheets know, and no cell that they would run."""
    text = table.select_dtypes(exclude="number").columns
    safe = table.copy()
    for name in text:
        safe[name] = table[name].map(safe_cell)
    return safe.to_csv(index=False).encode("utf-8-sig")
