"""Row keys: a hash of what makes a row the same row, so that the same file twice changes nothing."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

PACK = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
KeyPart = str | int | float | bool | datetime | None


def row_key(parts: Sequence[KeyPart]) -> str:
    """32 hexadecimal digits (128 bits of BLAKE2b) that identify ``parts``, in order; None differs from empty."""
    plain = [part.astimezone(UTC).isoformat() if isinstance(part, datetime) else part for part in parts]
    return hashlib.blake2b(PACK(plain).encode(), digest_size=16).hexdigest()


def rating_key(
    participant_external: str, item_external: str, slate_external: str | None, rated_at: datetime | None
) -> str:
    """The key of a rating: who rated which item, in which slate, when (aware). All revisions of it share the key."""
    return row_key([participant_external, item_external, slate_external, rated_at])
