"""One cell from outside -> one clean value, or a reason why not.

Every reader takes a cell that is present (not None, not the empty string) and returns the value, None where the cell
says nothing (only blanks), or raises :class:`BadValue`. Text cells come from CSV; JSON Lines and Parquet also bring
numbers, booleans, lists and times.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from db.tables import LONGEST_DURATION
from recux.errors import InvalidInput

Reader = Callable[[Any], Any]

NOT_IN_TEXT = re.compile("[\x00\ud800-\udfff]")
NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_NAME = 255
LONGEST_LANGUAGE = 16
LONGEST_TEXT = 100_000
FIRST_YEAR, LAST_YEAR = 1900, 2200


class BadValue(InvalidInput):
    """A cell breaks a rule; the message is the reason, without the place."""


class Rated(NamedTuple):
    """A rating on 1 to 5 and, when it was rescaled, where it came from."""

    value: float
    raw: float | None = None
    """The value on the source's own scale."""
    scale: str | None = None
    """That scale, as ``low..high``."""

    def __str__(self) -> str:
        """The number that was given, for whoever looks for the row."""
        return as_written(self.value if self.raw is None else self.raw)


def as_written(cell: Any) -> str:
    """A cell as a person would write it into a CSV file; BadValue for lists, objects and numbers without an end."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # columns with gaps turn whole numbers into floats on their way through Parquet
    if isinstance(cell, float | Decimal) and not math.isfinite(cell):
        raise BadValue("is not a finite number")
    if isinstance(cell, int | float | Decimal):
        return str(cell)
    if isinstance(cell, date | datetime):
        return cell.isoformat()
    raise BadValue(f"is a {type(cell).__name__}, not text")


def name(cell: Any) -> str | None:
    """An id or a short label: surrounding blanks removed, at most 255 characters, no control characters."""
    text = as_written(cell).strip()
    bad = NOT_IN_NAMES.search(text)
    if bad:
        raise BadValue(f"has the character U+{ord(bad[0]):04X}, which names must not have")
    if len(text) > LONGEST_NAME:
        raise BadValue(f"has {len(text)} characters, at most {LONGEST_NAME} are allowed")
    return text or None


def language(cell: Any) -> str | None:
    """A language code of at most 16 characters, with an underscore: ``zh-CN`` becomes ``zh_CN``."""
    code = name(cell)
    if code and len(code) > LONGEST_LANGUAGE:
        raise BadValue(f"has {len(code)} characters, at most {LONGEST_LANGUAGE} are allowed")
    return code.replace("-", "_") if code else None


def text(cell: Any) -> str | None:
    """Free text, kept as it is, at most 100,000 characters; only blanks count as nothing."""
    words = as_written(cell)
    bad = NOT_IN_TEXT.search(words)
    if bad:
        raise BadValue(f"has the character U+{ord(bad[0]):04X}, which no database can store")
    if len(words) > LONGEST_TEXT:
        raise BadValue(f"has {len(words)} characters, at most {LONGEST_TEXT:,} are allowed")
    return words if words.strip() else None


def names(cell: Any, *, separator: str = ";") -> list[str]:
    """A list of labels, from a list or from text cut at ``separator``; blanks and repetitions are dropped."""
    parts = cell if isinstance(cell, list) else as_written(cell).split(separator)
    found = [name(part) for part in parts if part is not None]
    return list(dict.fromkeys(part for part in found if part))


def number(cell: Any, *, low: float = -math.inf, high: float = math.inf) -> float | None:
    """A finite number from ``low`` to ``high``."""
    if isinstance(cell, str) and not cell.strip():
        return None
    value = _to_float(cell)
    if not math.isfinite(value):
        raise BadValue("is not a finite number")
    if not low <= value <= high:
        raise BadValue(
            f"is outside the range from {low:g} up" if math.isinf(high) else f"is outside {low:g} to {high:g}"
        )
    return value


def whole(cell: Any, *, low: int, high: int) -> int | None:
    """A whole number from ``low`` to ``high``; ``3.0`` is one."""
    value = number(cell, low=low, high=high)
    if value is not None and value != int(value):
        raise BadValue("is not a whole number")
    return None if value is None else int(value)


def flag(cell: Any) -> bool | None:
    """0 or 1, false or true; 0.0 and 1.0 as well, which tools write for columns with gaps."""
    known = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
    words = as_written(cell).strip().lower()
    if words and words not in known:
        raise BadValue("is neither 0 nor 1")
    return known[words] if words else None


def choice(cell: Any, *, among: tuple[str, ...]) -> str | None:
    """One of ``among``."""
    words = as_written(cell).strip()
    if words and words not in among:
        raise BadValue(f"is not one of {', '.join(among)}")
    return words or None


def attribute(cell: Any) -> str | int | float | bool | None:
    """An attribute's value: text, or a number or boolean where the format has them."""
    if isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float | Decimal):
        value = number(cell)
        # JSONB keeps the digits that are written, and a whole float's are fewer than its value has
        return int(value) if value is not None and value.is_integer() else value
    return text(cell)


def rating(cell: Any, *, low: float | None = None, high: float | None = None) -> Rated | None:
    """A rating from 1 to 5; with ``low`` and ``high``, a rating on that scale, moved linearly to 1 to 5."""
    if low is None or high is None:
        value = number(cell, low=1, high=5)
        return None if value is None else Rated(value)
    raw = number(cell, low=low, high=high)
    return None if raw is None else Rated(1 + 4 * (raw - low) / (high - low), raw, f"{low:g}..{high:g}")


def milliseconds(cell: Any, *, factor: float = 1.0) -> float | None:
    """A duration from 0 to LONGEST_DURATION; ``factor`` turns the source's unit into milliseconds."""
    value = number(cell, low=0)
    if value is None:
        return None
    if value * factor > LONGEST_DURATION:
        raise BadValue("is too long a duration")
    return value * factor


def moment(cell: Any, *, zone: tzinfo | None = None) -> datetime | None:
    """A time as aware UTC, from ISO 8601 with a zone or from epoch seconds, between 1900 and 2200.

    ``zone`` is the zone of times that name none; without it such times are refused.
    """
    if isinstance(cell, str) and not cell.strip():
        return None
    found = _written_in_full(cell) or _to_datetime(cell)
    if found.tzinfo is UTC and FIRST_YEAR < found.year < LAST_YEAR:
        return found
    if found.tzinfo is None:
        if zone is None:
            raise BadValue("has no time zone; write 2026-01-31T12:00:00Z, or name one in the map: [options] timezone")
        found = found.replace(tzinfo=zone)
    if not FIRST_YEAR < found.year < LAST_YEAR:
        raise BadValue(f"is not a time between {FIRST_YEAR} and {LAST_YEAR}; epoch times are in seconds")
    return found.astimezone(UTC)


def _written_in_full(cell: Any) -> datetime | None:
    """``2026-01-31T12:00:00Z`` and the like, which are most times there are, the quick way."""
    if type(cell) is not str or cell[4:5] != "-" or cell[10:11] != "T":
        return None
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


def _to_datetime(cell: Any) -> datetime:
    if isinstance(cell, datetime):
        return datetime.combine(cell.date(), cell.time(), cell.tzinfo)  # Parquet may bring a subclass
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, str) and not _looks_like_epoch(cell):
        try:
            return datetime.fromisoformat(cell.strip())
        except ValueError:
            raise BadValue("is not a time; write ISO 8601 such as 2026-01-31T12:00:00Z, or epoch seconds") from None
    try:
        return datetime.fromtimestamp(_to_float(cell), UTC)
    except (ValueError, OverflowError, OSError):
        raise BadValue("is not a time; epoch times are in seconds") from None


def _looks_like_epoch(cell: str) -> bool:
    return cell.strip().lstrip("-").replace(".", "", 1).isdigit()


def _to_float(cell: Any) -> float:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
        raise BadValue("is not a number")
    try:
        if isinstance(cell, str) and "_" in cell:
            raise BadValue("is not a number")
        return float(cell)
    except (ValueError, OverflowError):
        raise BadValue("is not a number") from None
