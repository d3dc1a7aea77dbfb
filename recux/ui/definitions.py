"""Stored sentences beside figures in the language of the reader."""

from recux.report import sentences
from recux.ui.language import _


def said(text: str | None) -> str:
    """A stored sentence in the reader's language; as it is where there is no translation."""
    return sentences.said(text, _)
