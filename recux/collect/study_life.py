"""What may happen to a study besides its launch and end: soft launch, pause, change, copy, putting away.

A launch freezes whatever decides what the answers mean (:data:`FROZEN`). What people agreed to can still change, as a
new version that everybody is asked about again.
"""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of
from db.tables import Arm, Consent, ConsentText, Participant, Rating, Response, Study, now
from recux.collect.definitions import ArmDefinition, StudyDefinition
from recux.collect.flow import Panel
from recux.collect.studies import create_study, launch_study
from recux.errors import Conflict, InvalidInput
from recux.questionnaires import instruments_of

FROZEN = (
    "domain", "languages", "primary_metric", "slate_size", "instruments", "steps", "design", "per_list", "shuffle",
    "planned_n", "arms",
)  # fmt: skip
"""Settings that a launch fixes. Arms keep their titles free; weights and sources are fixed. A panel keeps how its
members are known; where it takes them back stays free."""
SOFT_LAUNCH = "soft_launch"
"""Why answers of a soft launch do not count once they are discarded."""


def definition_of(session: Session, study: Study) -> StudyDefinition:
    """The study's present settings as a definition, with the newest consent texts."""
    assert study.id is not None
    own = set(StudyDefinition.model_fields) - {"arms", "consent", "panel"}
    arms = [_arm(arm) for arm in arms_of(session, study.id)]
    consent = {text.language: text.text for text in _consent_texts(session, study)}
    settings: dict[str, Any] = {name: getattr(study, name) for name in own}
    said = settings | {"panel": study.panel or None, "arms": arms, "consent": consent}
    return StudyDefinition.model_validate(said, context={"instruments": instruments_of(session, study)})


def change_study(session: Session, study: Study, wanted: StudyDefinition, *, version: int) -> list[str]:
    """Bring the study to ``wanted``; returns the names of the settings that changed.

    ``version`` is the ``edit_version`` that the editor began from. Raises Conflict when somebody else saved meanwhile,
    when the study is closed, or when a launched study's frozen settings would change.
    """
    session.refresh(study, with_for_update=True)
    if study.edit_version != version:
        raise Conflict(
            f"somebody else changed {study.slug} while you were editing; open the page again to see their version, "
            "then make your change"
        )
    if study.status == "closed":
        raise Conflict(f"the study {study.slug} is closed; duplicate it to go on with other settings")
    before = definition_of(session, study)
    changed = [name for name in StudyDefinition.model_fields if getattr(before, name) != getattr(wanted, name)]
    if study.status != "draft":
        _refuse_frozen(before, wanted, changed)
    for name in changed:
        if name not in {"arms", "consent", "panel"}:
            setattr(study, name, getattr(wanted, name) or (study.slug if name == "title" else getattr(wanted, name)))
    if "panel" in changed:
        study.panel = wanted.panel.model_dump() if wanted.panel else {}
    if "arms" in changed:
        _change_arms(session, study, wanted.arms)
    if "consent" in changed:
        _change_consent(session, study, wanted.consent)
    if changed:
        study.edit_version += 1
    session.add(study)
    session.flush()
    return changed


def duplicate_study(session: Session, study: Study, slug: str) -> Study:
    """A draft with the same settings, arms and consent, and nobody in it. Raises InvalidInput, Conflict: the slug."""
    definition = definition_of(session, study)
    copy = create_study(session, slug, definition.model_copy(update={"title": f"{study.title} (copy)"[:200]}))
    copy.retention = dict(study.retention)
    session.flush()
    return copy


def pause_study(session: Session, study: Study) -> None:
    """Take no new people and no answers for now. Raises Conflict unless it is live."""
    _move(session, study, "live", "paused")


def resume_study(session: Session, study: Study) -> None:
    """Go on after a pause. Raises Conflict unless it is paused."""
    _move(session, study, "paused", "live")


def archive_study(session: Session, study: Study) -> None:
    """Put a study away that is not running; nothing of it is lost. Raises Conflict while it runs."""
    if study.status in {"live", "paused"}:
        raise Conflict(f"the study {study.slug} is {study.status}; close it before you put it away")
    study.archived_at = study.archived_at or now()
    session.add(study)
    session.flush()


def restore_study(session: Session, study: Study) -> None:
    """Take a study out again that was put away."""
    study.archived_at = None
    session.add(study)
    session.flush()


def soft_launch(session: Session, study: Study, people: int) -> list[str]:
    """Launch for the first ``people`` who agree; what they answer can be discarded afterwards.

    Raises as a launch does, and InvalidInput for fewer than 1.
    """
    if people < 1:
        raise InvalidInput(f"a soft launch for {people} people is none; name at least 1")
    said = launch_study(session, study)
    study.soft_limit = people
    session.add(study)
    session.flush()
    return said


def end_soft_launch(session: Session, study: Study, *, keep: bool) -> int:
    """Open the study to everybody; returns how many people's answers were discarded (0 with ``keep``).

    Discarded answers stay in the database, marked as rejected, and can be taken back. No batch is closed during a soft
    launch, so that none holds them. Raises Conflict when there is none.
    """
    if study.soft_limit is None:
        raise Conflict(f"the study {study.slug} is not in a soft launch")
    study.soft_limit = None
    session.add(study)
    session.flush()
    discarded = 0
    if not keep:
        mine = (col(Participant.study_id) == study.id, col(Participant.rejected_at).is_(None), ~col(Participant.test))
        agreed = sa.or_(col(Participant.finished_at).is_not(None), _took_part())
        marked = sa.update(Participant).where(*mine, agreed).values(rejected_at=now(), rejected_for=SOFT_LAUNCH)
        discarded = session.connection().execute(marked).rowcount
        session.expire_all()
    return discarded


def _took_part() -> sa.ColumnElement[bool]:
    person = col(Participant.id)
    signs = (Consent, Rating, Response)
    return sa.or_(*(sa.select(1).where(col(table.participant_id) == person).exists() for table in signs))


def _move(session: Session, study: Study, before: str, after: str) -> None:
    if study.status != before:
        raise Conflict(f"the study {study.slug} is {study.status}, not {before}")
    study.status = after
    session.add(study)
    session.flush()


def _refuse_frozen(before: StudyDefinition, wanted: StudyDefinition, changed: list[str]) -> None:
    fixed = [name for name in changed if name in FROZEN and name != "arms"]
    if _without_titles(before.arms) != _without_titles(wanted.arms):
        fixed.append("arms")
    if _parameters(before.panel) != _parameters(wanted.panel):
        fixed.append("panel (all but its completion code and address)")
    if fixed:
        raise Conflict(
            f"{', '.join(fixed)} cannot change after the launch, because the answers so far would no longer mean the "
            "same; duplicate the study instead"
        )


def _arm(arm: Arm) -> ArmDefinition:
    own = {"key": arm.key, "title": arm.title, "weight": arm.weight, "source": arm.source}
    return ArmDefinition.model_validate(own | arm.options)


def _parameters(panel: Panel | None) -> tuple[str, list[str]] | None:
    """By what a panel's members are known; None where nobody comes from one."""
    return None if panel is None else (panel.parameter, panel.also)


def _without_titles(arms: list[ArmDefinition]) -> list[dict[str, Any]]:
    return [arm.model_dump(exclude={"title"}) for arm in arms]


def _change_arms(session: Session, study: Study, wanted: list[ArmDefinition]) -> None:
    assert study.id is not None
    known = {arm.key: arm for arm in arms_of(session, study.id)}
    keys = [arm.key for arm in wanted]
    if keys[: len(known)] != list(known):  # the control is the arm with the lowest id, so a new order needs new rows
        for arm in known.values():
            session.delete(arm)
        session.flush()
        known = {}
    for one in wanted:
        arm = known.get(one.key) or Arm(study_id=study.id, key=one.key, title="")
        arm.title, arm.weight, arm.source, arm.options = one.title or one.key, one.weight, one.source, one.options
        session.add(arm)
        session.flush()


def _change_consent(session: Session, study: Study, wanted: dict[str, str]) -> None:
    """A draft's texts are replaced; afterwards all texts get a new version together, and everybody is asked again."""
    assert study.id is not None
    newest = session.exec(select(sa.func.max(ConsentText.version)).where(ConsentText.study_id == study.id)).one() or 0
    version = newest + 1 if study.status != "draft" else max(newest, 1)
    if study.status == "draft":
        session.connection().execute(sa.delete(ConsentText).where(col(ConsentText.study_id) == study.id))
    for language, text in wanted.items():
        session.add(ConsentText(study_id=study.id, language=language, version=version, text=text))
    session.flush()


def _consent_texts(session: Session, study: Study) -> list[ConsentText]:
    texts = session.exec(
        select(ConsentText).where(ConsentText.study_id == study.id).order_by(col(ConsentText.version))
    ).all()
    return list({text.language: text for text in texts}.values())
