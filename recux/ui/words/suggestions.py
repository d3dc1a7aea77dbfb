"""Words of suggestions and of the texts stored with them."""

from collections.abc import Mapping

from recux.ui.language import _, language


def category(code: str) -> str:
    """What a suggestion would change."""
    names = {
        "algorithm": _("Recommendation algorithm"),
        "interface": _("Interface"),
        "data": _("Data quality"),
        "feedback": _("How feedback is collected"),
    }
    return names.get(code, code)


def said(text: Mapping[str, str]) -> str:
    """A stored text in the reader's language, else in English."""
    return text.get(language()) or text.get("en", "")
