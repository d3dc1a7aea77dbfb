"""Studies: their life from draft to live to closed."""

import re
import secrets

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of, study_by_slug
from db.tables import Arm, ConsentText, Item, Participant, Slate, Study, now
from recux import templates
from recux.collect import pictures
from recux.collect.assignment import assign_everyone
from recux.collect.definitions import ArmDefinition, StudyDefinition, read_definition
from recux.errors import Conflict, InvalidInput, NotFound
from recux.questionnaires import freeze
from recux.settings import Settings

__all__ = [
    "ArmDefinition",
    "StudyDefinition",
    "close_study",
    "create_study",
    "get_study",
    "launch_study",
    "list_studies",
    "read_definition",
]

SLUG = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")


def create_study(
    session: Session, slug: str, definition: StudyDefinition, *, synthetic: bool = False, salt: str | None = None
) -> Study:
    """Create a draft with its arms and consent texts.

    ``salt`` fixes the study's secret and with it every split and assignment, which only a reproducible simulation
    wants. Raises InvalidInput for a slug that cannot be in an address, Conflict for one that is taken.
    """
    if not SLUG.fullmatch(slug):
        raise InvalidInput(
            f"{slug!r} cannot name a study: use 1 to 64 small letters, digits, - and _, beginning and ending with a "
            "letter or digit"
        )
    if study_by_slug(session, slug) is not None:
        raise Conflict(f"there is a study {slug!r} already; choose another name")
    plain = definition.model_dump(exclude={"arms", "consent", "title", "panel"})
    panel = definition.panel.model_dump() if definition.panel else {}
    study = Study(
        slug=slug,
        title=definition.title or slug,
        salt=salt or secrets.token_hex(16),
        synthetic=synthetic,
        panel=panel,
        **plain,
    )
    session.add(study)
    session.flush()
    assert study.id is not None
    for arm in definition.arms:
        title = arm.title or arm.key
        session.add(
            Arm(study_id=study.id, key=arm.key, title=title, weight=arm.weight, source=arm.source, options=arm.options)
        )
        session.flush()  # one by one, so that ids follow the order of the file: the first arm is the control
    for language, text in definition.consent.items():
        session.add(ConsentText(study_id=study.id, language=language, text=text))
    session.flush()
    return study


def get_study(session: Session, slug: str) -> Study:
    """The study with this slug. Raises NotFound."""
    study = study_by_slug(session, slug)
    if study is None:
        raise NotFound(f"there is no study {slug!r}; `recux study list` shows those that exist")
    return study


def list_studies(session: Session) -> list[Study]:
    """All studies, newest first."""
    return list(session.exec(select(Study).order_by(col(Study.id).desc())))


def launch_study(session: Session, study: Study) -> list[str]:
    """Open a draft to participants and assign everyone who has no arm.

    Returns what to keep in mind, in words. Raises Conflict when the study is not a draft, has nothing to recommend,
    or lacks a consent text.
    """
    assert study.id is not None
    if study.status != "draft":
        raise Conflict(f"the study {study.slug} is {study.status}; only a draft can be launched")
    arms = arms_of(session, study.id)
    serving = [arm for arm in arms if arm.weight > 0]
    if not serving:
        raise Conflict(f"the study {study.slug} has no arm with a weight above 0, so nobody could take part")
    made_here = "slate" in study.steps and any(arm.source != "http" for arm in serving)
    if made_here and not _has_any(session, Item, study.id):
        raise Conflict(
            f"the study {study.slug} has no items to recommend; import some with "
            f"recux import items FILE --study {study.slug}"
        )
    if study.design == "crossover" and len(serving) != 2:
        raise Conflict(
            f"the crossover study {study.slug} has {len(serving)} arms with a weight above 0; it needs exactly two"
        )
    _check_consent(session, study)
    freeze(session, study)
    study.status, study.launched_at = "live", now()
    session.add(study)
    assign_everyone(session, study)
    _inherit_arms(session, study)
    return _cautions(session, study, serving)


def close_study(session: Session, study: Study) -> None:
    """End a study: nothing more is collected or imported. Raises Conflict when it is closed already."""
    if study.status == "closed":
        raise Conflict(f"the study {study.slug} is closed already")
    study.status, study.closed_at = "closed", now()
    session.add(study)
    session.flush()


def _inherit_arms(session: Session, study: Study) -> None:
    """Imported slates that name no arm belong to the arm of their person."""
    arm = sa.select(col(Participant.arm_id)).where(col(Participant.id) == col(Slate.participant_id)).scalar_subquery()
    orphans = col(Slate.study_id) == study.id, col(Slate.arm_id).is_(None)
    session.connection().execute(sa.update(Slate).where(*orphans).values(arm_id=arm))


def _check_consent(session: Session, study: Study) -> None:
    texts = session.exec(select(ConsentText).where(ConsentText.study_id == study.id)).all()
    missing = [
        language for language in study.languages if not any(t.language == language and t.text.strip() for t in texts)
    ]
    if missing:
        raise Conflict(f"the study {study.slug} has no consent text in {', '.join(missing)}; add it under [consent]")


def _cautions(session: Session, study: Study, serving: list[Arm]) -> list[str]:
    from recux.recommend.remote import hindrance  # with it comes scipy, for which a list of studies need not wait

    assert study.id is not None
    found = list(templates.load(study.domain).cautions)
    if any(arm.source == "imported" for arm in serving) and not _has_any(session, Slate, study.id):
        found.append("no slates are imported yet, and at least one arm shows imported slates")
    for arm in serving:
        if arm.source == "http" and (why := hindrance(arm)):
            found.append(f"arm {arm.key} shows its fallback until this is mended: {why}")
    if hosts := pictures.unseen(session, study.id, Settings().image_hosts):
        found.append(pictures.caution(hosts))
    return found


def _has_any(session: Session, table: type[Item] | type[Slate], study_id: int) -> bool:
    return session.exec(select(table.id).where(table.study_id == study_id).limit(1)).first() is not None
