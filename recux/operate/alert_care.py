"""Somebody looks after an alert."""

from sqlmodel import Session

from db.tables import Alert, Study
from recux.errors import NotFound


def look_after(session: Session, study: Study, alert_id: int, *, by: str) -> None:
    """Note who looks after an alert. Raises ``NotFound`` when the study has none with this id."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.study_id != study.id:
        raise NotFound("this alert is gone")
    alert.seen_by = by
    session.add(alert)
