"""Links that open a study's report for reading, without signing in, until they end or are revoked."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import ReportLink, Study, now
from recux.access.tokens import new_token, token_hash
from recux.errors import InvalidInput, NotFound

LONGEST_DAYS = 365


def create_link(
    session: Session, study: Study, *, days: int, language: str, by: str, note: str = ""
) -> tuple[ReportLink, str]:
    """A new link and its token, which is shown once and never stored. Raises ``InvalidInput`` for too long a life."""
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(f"a link lives 1 to {LONGEST_DAYS} days, not {days}")
    token = new_token()
    link = ReportLink(
        study_id=study.id or 0,
        token_hash=token_hash(token),
        language=language,
        note=" ".join(note.split())[:255],
        created_by=by,
        expires_at=now() + timedelta(days=days),
    )
    session.add(link)
    session.flush()
    return link, token


def revoke_link(session: Session, study: Study, link_id: int) -> None:
    """Close a link for good. Raises ``NotFound`` when the study has none with this id."""
    link = session.get(ReportLink, link_id)
    if link is None or link.study_id != study.id:
        raise NotFound(f"there is no link {link_id} in this study")
    link.revoked_at = link.revoked_at or now()
    session.add(link)


def links_of(session: Session, study: Study) -> list[ReportLink]:
    """The study's links, the newest first."""
    statement = select(ReportLink).where(ReportLink.study_id == study.id)
    return list(session.exec(statement.order_by(col(ReportLink.id).desc())))


def open_link(session: Session, token: str, moment: datetime) -> tuple[ReportLink, Study] | None:
    """The link behind a token and its study, counted as opened once more; None when there is none that still opens."""
    link = session.exec(select(ReportLink).where(ReportLink.token_hash == token_hash(token))).first()
    if link is None or link.revoked_at is not None or link.expires_at <= moment:
        return None
    counted = sa.update(ReportLink).where(col(ReportLink.id) == link.id)
    session.connection().execute(counted.values(opened=col(ReportLink.opened) + 1, last_opened_at=moment))
    return link, session.get_one(Study, link.study_id)
