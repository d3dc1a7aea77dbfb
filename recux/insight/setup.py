"""What a study has, and what it still needs before its launch."""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of
from db.tables import ConsentText, Item, Participant, Slate, Study


class Check(NamedTuple):
    """One line of the checklist before a launch."""

    text: str
    ok: bool
    needed: bool = True
    """Whether a launch is refused without it."""


def checklist(session: Session, study: Study) -> list[Check]:
    """What is ready and what is missing, in the order in which it is usually done."""
    assert study.id is not None
    arms = [arm for arm in arms_of(session, study.id) if arm.weight > 0]
    items, people = (_count(session, table, study.id) for table in (Item, Participant))
    languages = set(session.exec(select(ConsentText.language).where(ConsentText.study_id == study.id)))
    checks = [
        Check("Consent text in every language", set(study.languages) <= languages),
        Check("At least one arm with a weight", bool(arms)),
        Check("Two arms or more, so that a difference can be seen", len(arms) > 1, needed=False),
        Check(f"Items to recommend: {items:,}", items > 0, needed=any(arm.source != "http" for arm in arms)),
        Check(f"People in the study: {people:,}", people > 0, needed=False),
    ]
    if any(arm.source == "imported" for arm in arms):
        slates = _count(session, Slate, study.id)
        checks.append(Check(f"Imported slates: {slates:,}", slates > 0, needed=False))
    return checks


def _count(session: Session, table: Any, study_id: int) -> int:
    return session.exec(select(sa.func.count()).select_from(table).where(col(table.study_id) == study_id)).one()
