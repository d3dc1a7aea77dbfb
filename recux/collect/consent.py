"""What participants agree to, and whether they did."""

from typing import Any, NamedTuple, NoReturn

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import is_sqlite
from db.tables import Consent, ConsentText, Participant, Study
from recux.errors import Conflict, NotAllowed

OPEN = "open"


class Answering(NamedTuple):
    """Somebody who may answer now."""

    participant_id: int
    study_id: int
    external_id: str


def current_consent(session: Session, participant: Participant, language: str | None) -> ConsentText:
    """The newest consent text of the person's study, in ``language`` where there is one, else in English, else any.

    Raises Conflict when the study has none.
    """
    newest = _newest_version(session, participant)
    texts = session.exec(
        select(ConsentText)
        .where(ConsentText.study_id == participant.study_id, ConsentText.version == newest)
        .order_by(col(ConsentText.id))
    ).all()
    if not texts:
        raise Conflict("the study has no consent text; add one under [consent] in its file")
    by_language = {text.language: text for text in texts}
    return by_language.get(language or "") or by_language.get("en") or texts[0]


def decide(session: Session, participant: Participant, text: ConsentText, given: bool) -> Consent:
    """Record that the person agreed to ``text``, or did not. The same decision again changes nothing."""
    lock(session, participant)
    last = _last_decision(session, participant)
    if last is not None and last.given == given and last.consent_text_id == text.id:
        return last
    assert participant.id is not None and text.id is not None  # noqa: PT018 - both were read from the database
    decision = Consent(participant_id=participant.id, consent_text_id=text.id, given=given)
    session.add(decision)
    session.flush()
    return decision


def decision_of(session: Session, participant: Participant) -> bool | None:
    """The person's answer to the newest consent text; None when they were not asked since it changed."""
    newest = sa.select(sa.func.max(ConsentText.version)).where(col(ConsentText.study_id) == participant.study_id)
    last = (
        sa.select(col(Consent.given), col(ConsentText.version) == newest.scalar_subquery())
        .join(ConsentText, col(ConsentText.id) == col(Consent.consent_text_id))
        .where(col(Consent.participant_id) == participant.id)
        .order_by(col(Consent.id).desc())
        .limit(1)
    )
    row = session.connection().execute(last).first()  # one statement: every click asks
    return bool(row[0]) if row is not None and row[1] else None


def standing(session: Session, participant: Participant) -> str:
    """Whether the person may take part now: ``open``, ``withdrawn``, ``not_started``, ``paused`` or ``closed``."""
    if participant.withdrawn_at is not None:
        return "withdrawn"
    if participant.rejected_at is not None:
        return "closed"
    study = session.get_one(Study, participant.study_id)
    status = study.status
    if status == "live" and _soft_launch_is_full(session, study) and _last_decision(session, participant) is None:
        return OPEN if participant.test else "paused"
    if status == "live" or (participant.test and status == "draft"):
        return OPEN
    return {"draft": "not_started"}.get(status, status)


def require_consent(session: Session, participant: Participant) -> None:
    """Make this transaction the only writer for the person. Raises NotAllowed unless they may answer now."""
    lock(session, participant)
    assert participant.id is not None  # it was locked
    require_answering(session.connection(), participant.id)


def require_answering(
    connection: sa.Connection, participant_id: int, *, asked: sa.Select[int, str, bool] | None = None, **more: Any
) -> Answering:
    """The same for a click, in one statement: nothing of the person is loaded. Raises NotAllowed.

    ``asked`` is :data:`MAY_ANSWER` with further conditions, and ``more`` what those are bound to.
    """
    person = {"person": participant_id}
    if not is_sqlite(connection):  # there, whoever writes is alone
        connection.execute(_LOCKED, person)
    row = connection.execute(MAY_ANSWER if asked is None else asked, person | more).first()
    if row is None:
        raise NotAllowed("this page belongs to somebody who has left; open the link again")
    if not row.may_answer:
        _refuse(connection, participant_id)
    return Answering(participant_id, row.study_id, row.external_id)


def lock(session: Session, participant: Participant) -> None:
    """Let nobody else write for this person until the transaction ends, and read what was written meanwhile."""
    session.refresh(participant, with_for_update={"key_share": True})


def _refuse(connection: sa.Connection, participant_id: int) -> NoReturn:
    """Say why the person may not answer now."""
    with Session(connection) as session:
        participant = session.get_one(Participant, participant_id)
        now_is, name = standing(session, participant), participant.external_id
    if now_is != OPEN:
        raise NotAllowed(f"no answers are taken from {name!r} now: {now_is.replace('_', ' ')}")
    raise NotAllowed(f"participant {name!r} has not consented; no answers are taken before")


def _soft_launch_is_full(session: Session, study: Study) -> bool:
    if study.soft_limit is None:
        return False
    agreed = sa.select(1).where(col(Consent.participant_id) == col(Participant.id), col(Consent.given)).exists()
    mine = (Participant.study_id == study.id, ~col(Participant.test), col(Participant.rejected_at).is_(None))
    return session.exec(select(sa.func.count()).select_from(Participant).where(*mine, agreed)).one() >= study.soft_limit


def _newest_version(session: Session, participant: Participant) -> int | None:
    newest = sa.select(sa.func.max(ConsentText.version)).where(col(ConsentText.study_id) == participant.study_id)
    version: int | None = session.connection().execute(newest).scalar()
    return version


def _last_decision(session: Session, participant: Participant) -> Consent | None:
    of_person = select(Consent).where(Consent.participant_id == participant.id)
    return session.exec(of_person.order_by(col(Consent.id).desc())).first()


def _may_answer() -> sa.Select[int, str, bool]:
    """What `standing` and `decision_of` say, as one condition; a soft launch stops only people who did not agree."""
    newest = sa.select(sa.func.max(ConsentText.version)).where(col(ConsentText.study_id) == col(Participant.study_id))
    agreed = (
        sa.select(col(Consent.given) & (col(ConsentText.version) == newest.correlate(Participant).scalar_subquery()))
        .join(ConsentText, col(ConsentText.id) == col(Consent.consent_text_id))
        .where(col(Consent.participant_id) == col(Participant.id))
        .order_by(col(Consent.id).desc())
        .limit(1)
    )
    asked = (col(Study.status) == "live") | (col(Participant.test) & (col(Study.status) == "draft"))
    stays = col(Participant.withdrawn_at).is_(None) & col(Participant.rejected_at).is_(None)
    may_answer = stays & asked & sa.func.coalesce(agreed.correlate(Participant).scalar_subquery(), sa.false())
    return (
        sa.select(col(Participant.study_id), col(Participant.external_id), may_answer.label("may_answer"))
        .join(Study, col(Study.id) == col(Participant.study_id))
        .where(col(Participant.id) == sa.bindparam("person"))
    )


MAY_ANSWER = _may_answer()
"""Study, name, and whether the participant ``person`` may answer now; no row when there is no such participant."""
_LOCKED = (
    sa.select(col(Participant.id)).where(col(Participant.id) == sa.bindparam("person")).with_for_update(key_share=True)
)
