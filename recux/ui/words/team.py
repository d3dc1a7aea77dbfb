"""Words of accounts and the audit log."""

from typing import Any

from recux.ui.language import _


def role(code: str) -> str:
    """A role, and what it adds."""
    names = {
        "viewer": _("Viewer: reads"),
        "analyst": _("Analyst: also runs rounds and decides"),
        "admin": _("Admin: also sets up"),
    }
    return names.get(code, code)


def audit_columns() -> dict[str, Any]:
    """The columns of the audit log."""
    return {"who": _("Who"), "what": _("What"), "target": _("About"), "details": _("Details")}
