"""Text from elsewhere, shown as itself. Streamlit's labels, titles and messages all render Markdown."""

import re

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
ACTIVE = re.compile(r"([:@<>=~-]|www)")
"""What would still become an icon, a link or an arrow behind a backslash."""
WORD_JOINER = "\u2060"


def plain(text: str) -> str:
    """``text`` so that Markdown shows it letter by letter: punctuation escaped, autolinks and icons broken up."""
    lines = (PUNCTUATION.sub(r"\\\1", line) for line in text.splitlines())
    return "  \n".join(ACTIVE.sub(rf"\1{WORD_JOINER}", line) for line in lines)
