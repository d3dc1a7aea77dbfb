"""An admin's decision that somebody's answers do not count, and its undoing."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Participant, Study, now
from recux.errors import InvalidInput


def reject(session: Session, study: Study, participant_ids: Sequence[str], reason: str) -> int:
    """Let these people's answers count no more, from now on and everywhere; returns how many that changes.

    Nothing is deleted. Their places are free: whoever comes next is assigned as if they had not been there. Raises
    InvalidInput without a reason of at most 200 characters.
    """
    if not 1 <= len(reason.strip()) <= 200:
        raise InvalidInput("say why, in 1 to 200 characters")
    fresh = _mine(study, participant_ids), col(Participant.rejected_at).is_(None)
    return _set(session, fresh, rejected_at=now(), rejected_for=reason.strip())


def take_back(session: Session, study: Study, participant_ids: Sequence[str]) -> int:
    """Let the answers of people who were rejected count again; returns how many that changes."""
    rejected = _mine(study, participant_ids), col(Participant.rejected_at).is_not(None)
    return _set(session, rejected, rejected_at=None, rejected_for=None)


def note_reminded(session: Session, study: Study, participant_ids: Sequence[str]) -> int:
    """Note that these people are reminded now."""
    return _set(session, (_mine(study, participant_ids),), reminded_at=now())


def _mine(study: Study, participant_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(col(Participant.study_id) == study.id, col(Participant.external_id).in_(list(participant_ids)))


def _set(session: Session, where: tuple[sa.ColumnElement[bool], ...], **values: object) -> int:
    session.flush()
    changed = session.connection().execute(sa.update(Participant).where(*where).values(**values))
    session.expire_all()
    return int(changed.rowcount)
