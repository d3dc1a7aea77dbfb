"""Words of a study: its state, its domain and the checklist before its launch."""

from recux.ui.language import _

SOURCES = ["popularity", "itemknn", "content", "rerank", "imported", "http"]


def study_status(status: str) -> str:
    """A study's status."""
    return {"draft": _("draft"), "live": _("live"), "paused": _("paused"), "closed": _("closed")}[status]


def domain(name: str) -> str:
    """What a study's items are."""
    names = {
        "e-commerce": _("Products (e-commerce)"),
        "content": _("Articles, videos, music"),
        "social": _("People and posts (social)"),
        "medical": _("Health information (medical)"),
        "travel": _("Travel"),
    }
    return names[name]


def check(code: str, count: int | None) -> str:
    """A line of the checklist before a launch."""
    names = {
        "consent": _("Consent text in every language"),
        "arm": _("At least one arm with a weight"),
        "two_arms": _("Two arms or more, so that a difference can be seen"),
        "items": _("Items to recommend"),
        "people": _("People in the study"),
        "slates": _("Imported slates"),
    }
    return names[code] if count is None else f"{names[code]}: {count:,}"
