"""Cells that a spreadsheet program cannot mistake for a formula."""

import re
from typing import Any

STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def safe_cell(value: Any) -> Any:
    """``value``, with an apostrophe before text that a spreadsheet would run as a formula; numbers stay numbers.

    Source: OWASP, CSV injection.
    """
    if isinstance(value, str) and value.startswith(STARTS_FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value
