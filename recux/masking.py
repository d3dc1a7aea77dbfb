"""Personal data in people's own words, taken out before they are shown or leave."""

import re

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
LONG_NUMBER = re.compile(r"(?<!\w)\+?\d(?:[\s./()-]{0,3}\d){6,}(?!\w)")
"""Seven digits or more, however grouped: telephone, card and account numbers."""


def mask(text: str) -> str:
    """``text`` with e-mail addresses and long numbers replaced.

    >>> mask("write to ann@example.org or +44 20 7946 0958")
    'write to [e-mail] or [number]'
    """
    return LONG_NUMBER.sub("[number]", EMAIL.sub("[e-mail]", text))
