"""What people typed, made safe to keep: nothing visible is lost, nothing invisible comes in."""

import re

from recux.errors import InvalidInput

LONGEST = 5000
"""Characters of a comment; about 800 English words."""

# Control characters but tab and line feed; marks that reorder the text around them; halves of a character.
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str | None, *, longest: int = LONGEST) -> str | None:
    """``text`` without surrounding space and invisible control characters; None when nothing is left.

    Line ends become line feeds. Raises InvalidInput when more than ``longest`` characters are left.
    """
    if text is None:
        return None
    kept = INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(kept) > longest:
        raise InvalidInput(f"the text has {len(kept)} characters, at most {longest} are kept; please shorten it")
    return kept or None
