"""Row keys: a hash of what makes a row the same row, so that the same file twice changes nothing."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted

KeyPart = str | int | float | bool | datetime | None


def row_key(parts: Sequence[KeyPart]) -> str:
    """32 hexadecimal digits (128 bits of BLAKE2b) that identify ``parts``, in order; None differs from empty."""
    packed = ["null" if part is None else quoted(part) if type(part) is str else _packed(part) for part in parts]
    return _digest("[" + ",".join(packed) + "]")


def counted_key(same: str, number: int) -> str:
    """``row_key([same, number])`` for a key ``same``: the ``number``-th of rows that are otherwise equal."""
    return _digest(f'["{same}",{number}]')


def rating_key(
    participant_external: str, item_external: str, slate_external: str | None, rated_at: datetime | None
) -> str:
    """The key of a rating: who rated which item, in which slate, when (aware). All revisions of it share the key."""
    return row_key([participant_external, item_external, slate_external, rated_at])


def _packed(part: KeyPart) -> str:
    """A part as JSON, a time as ISO 8601 in UTC."""
    if isinstance(part, datetime):
        return f'"{part.isoformat() if part.tzinfo is UTC else part.astimezone(UTC).isoformat()}"'
    if isinstance(part, bool):
        return "true" if part else "false"
    return quoted(part) if isinstance(part, str) else repr(part)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()
