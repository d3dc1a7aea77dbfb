"""Whoever's role does not allow a change cannot make it, whichever function makes it."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import Audit, Rating, Study, User, now
from recux.access import audit
from recux.access.accounts import change_role, create_user
from recux.access.keys import create_key
from recux.access.permissions import OWN, ROLES, least_role
from recux.collect.tags import set_tags
from recux.errors import NotAllowed
from tests.planting import plant_person, plant_rating, plant_study

ROOT = Path(__file__).parent.parent.parent
NAMED = re.compile(r'"((?:study|answers|report|decision|alert|comments?|batch|round|user|key)\.[a-z_.]+)"')
WRITTEN = [file for folder in ("recux/ui", "recux/access", "pages/admin") for file in (ROOT / folder).rglob("*.py")]
ACTIONS = sorted(
    {name for file in WRITTEN for name in NAMED.findall(file.read_text(encoding="utf-8"))} - OWN
    | {"import.ratings", "suggestion.accept"}
)
"""Every change that pages and accounts write down."""
BY_ANALYSTS = {
    "alert.seen", "answers.export", "answers.reject", "answers.take_back", "batch.close", "comment.tag",
    "decision.record", "import.ratings", "round.cancel", "round.retry", "study.remind", "suggestion.accept",
}  # fmt: skip


def plant_users(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        for role in ROLES:
            session.add(User(email=f"{role}@example.org", password_hash="x", role=role))


def may(engine: sa.Engine, who: str, action: str) -> bool:
    try:
        with write_session(engine) as session:
            audit.record(session, actor=who, action=action, target="shop")
    except NotAllowed:
        return False
    return True


def test_each_change_is_for_the_roles_that_the_documents_say(sqlite_engine: sa.Engine) -> None:
    plant_users(sqlite_engine)
    assert len(ACTIONS) > 25
    for action in ACTIONS:
        allowed = [role for role in ROLES if may(sqlite_engine, f"{role}@example.org", action)]
        assert allowed == (["analyst", "admin"] if action in BY_ANALYSTS else ["admin"]), action


def test_a_change_that_was_never_heard_of_is_for_admins(sqlite_engine: sa.Engine) -> None:
    assert least_role("study.something_new") == "admin"


def test_a_refused_change_leaves_nothing_behind(sqlite_engine: sa.Engine) -> None:
    plant_users(sqlite_engine)
    with write_session(sqlite_engine) as session:
        study = plant_study(session, items=1)
        rating = plant_rating(session, plant_person(session, study, "p1"), 1, 4, comment="nice")
    with pytest.raises(NotAllowed, match=r"comment.tag needs the role analyst"):
        tag(sqlite_engine, study, rating)
    with read_session(sqlite_engine) as session:
        assert session.exec(sa.text("select count(*) from comment_tag")).scalar() == 0
        assert session.exec(select(Audit).where(Audit.action == "comment.tag")).all() == []


def tag(engine: sa.Engine, study: Study, rating: Rating) -> None:
    with write_session(engine) as session:
        set_tags(session, session.get_one(Study, study.id), "rating", rating.id, ["good"], by="viewer@example.org")
        audit.record(session, actor="viewer@example.org", action="comment.tag", target="shop")


@pytest.mark.parametrize("who", ["viewer@example.org", "Analyst@example.org"])
def test_nobody_below_an_admin_makes_accounts_roles_or_keys(sqlite_engine: sa.Engine, who: str) -> None:
    plant_users(sqlite_engine)
    changes = (
        lambda s: create_user(s, "new@example.org", "long enough to be safe", "admin", actor=who),
        lambda s: change_role(s, who, "admin", actor=who),
        lambda s: create_key(s, "mine", ["ingest"], actor=who),
    )
    for change in changes:
        with pytest.raises(NotAllowed), write_session(sqlite_engine) as session:
            change(session)


def test_a_closed_account_changes_nothing(sqlite_engine: sa.Engine) -> None:
    plant_users(sqlite_engine)
    with write_session(sqlite_engine) as session:
        session.exec(select(User).where(User.role == "admin")).one().disabled_at = now()
    assert not may(sqlite_engine, "admin@example.org", "study.create")


def test_the_command_line_and_keys_are_asked_elsewhere(sqlite_engine: sa.Engine) -> None:
    assert may(sqlite_engine, audit.COMMAND_LINE, "study.erase")
