"""Words of imports."""

from recux.ui.language import _


def kind(code: str) -> str:
    """A kind of data that can be imported."""
    names = {
        "participants": _("Participants"),
        "items": _("Items"),
        "slates": _("Slates: which list was shown to whom"),
        "interactions": _("Interactions: views, clicks, purchases"),
        "ratings": _("Ratings and comments"),
        "responses": _("Questionnaire answers"),
        "requests": _("Requests to the recommender"),
    }
    return names.get(code, code)


def import_counts() -> dict[str, str]:
    """The counts of an import."""
    return {
        "read": _("Read"),
        "written": _("Written"),
        "updated": _("Updated"),
        "unchanged": _("Unchanged"),
        "quarantined": _("Put aside"),
    }
