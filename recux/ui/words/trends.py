"""Words of trends: their points, and how fresh the figures are."""

from db.tables import Round
from recux.ui.language import _


def period(code: str) -> str:
    """What a point of a trend stands for."""
    return {"round": _("Round"), "hour": _("Hour"), "day": _("Day"), "week": _("Week")}[code]


def trend(code: str) -> str:
    """The title of a trend."""
    return {"round": _("Round by round"), "day": _("Day by day"), "week": _("Week by week")}[code]


def as_of(done: Round | None, waiting: int) -> str:
    """What the figures are about."""
    intervals = _("Lines are intervals (95 %); people are the unit, never single ratings.")
    if done is None:
        present = _("As of now.")
        return f"{intervals} {present}"
    more = _("As of round {n}; {waiting} newer ratings wait for the next one.")
    return f"{intervals} {more.format(n=done.number, waiting=f'{waiting:,}')}"
