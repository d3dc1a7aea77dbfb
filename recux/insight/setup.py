"""What a study has, and what it still needs before its launch."""

from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of
from db.tables import ConsentText, ImportRun, Item, Participant, Slate, Study


class Check(NamedTuple):
    """One line of the checklist before a launch."""

    code: str
    """``consent``, ``arm``, ``two_arms``, ``items``, ``people`` or ``slates``."""
    ok: bool
    needed: bool = True
    """Whether a launch is refused without it."""
    number: int | None = None
    """How many there are, where that matters."""


def checklist(session: Session, study: Study) -> list[Check]:
    """What is ready and what is missing, in the order in which it is usually done."""
    assert study.id is not None
    arms = [arm for arm in arms_of(session, study.id) if arm.weight > 0]
    items, people = (_count(session, table, study.id) for table in (Item, Participant))
    languages = set(session.exec(select(ConsentText.language).where(ConsentText.study_id == study.id)))
    checks = [
        Check("consent", set(study.languages) <= languages),
        Check("arm", bool(arms)),
        Check("two_arms", len(arms) > 1, needed=False),
        Check(
            "items",
            items > 0,
            needed="slate" in study.steps and any(arm.source != "http" for arm in arms),
            number=items,
        ),
        Check("people", people > 0, needed=False, number=people),
    ]
    if any(arm.source == "imported" for arm in arms):
        slates = _count(session, Slate, study.id)
        checks.append(Check("slates", slates > 0, needed=False, number=slates))
    return checks


def imports(session: Session, study: Study, *, limit: int = 100) -> pd.DataFrame:
    """What was imported, newest first: ``finished_at``, ``kind``, ``file``, and the counts of each import."""
    names = ("finished_at", "kind", "file", "read", "written", "updated", "unchanged", "quarantined")
    columns = [getattr(ImportRun, name) for name in names]
    mine = sa.select(*columns).where(col(ImportRun.study_id) == study.id).order_by(col(ImportRun.id).desc())
    table = pd.DataFrame(session.connection().execute(mine.limit(limit)).all(), columns=list(names))
    return table.assign(finished_at=pd.to_datetime(table["finished_at"], utc=True))


def _count(session: Session, table: Any, study_id: int) -> int:
    return session.exec(select(sa.func.count()).select_from(table).where(col(table.study_id) == study_id)).one()
