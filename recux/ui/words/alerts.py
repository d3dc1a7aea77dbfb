"""Words of alerts."""

from recux.ui.language import _


def alert_rule(code: str) -> str:
    """Why an alert was opened."""
    return {"objective": _("a promise is broken"), "anomaly": _("unlike the two days before")}.get(code, code)


def channel(code: str) -> str:
    """How alerts are sent."""
    return {"webhook": _("Webhook"), "email": _("E-mail")}.get(code, code)
