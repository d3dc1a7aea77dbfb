"""Which role may make which change: the one place where that is said, and asked whenever a change is written down.

Every change notes itself in the audit log, in its own transaction (``audit.record``). There the account behind it is
looked up again: a change that its role does not allow is refused, and the whole transaction is taken back, whichever
page or function it came from. What changes accounts themselves, or commits on its own, asks ``allow`` first. Changes
by API keys are limited by the keys' scopes, the command line by the machine.
"""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import User
from recux.errors import NotAllowed

ROLES = ("viewer", "analyst", "admin")
"""Each may do what those before it may. What that is stands in docs/admin.md."""
ANALYST = frozenset({
    "alert.seen", "answers.export", "answers.reject", "answers.take_back", "batch.close", "comment.tag",
    "decision.record", "round.cancel", "round.retry", "study.remind",
})  # fmt: skip
OWN = frozenset({"user.bind", "user.own_password", "sign-in", "sign-in.failed", "sign-out"})
"""What people do to their own account, whatever its role."""
ANALYST_KINDS = ("import.", "suggestion.")
"""What analysts may do; everything else that changes something is for admins."""


def least_role(action: str) -> str:
    """The least role that may do this."""
    return "analyst" if action in ANALYST or action.startswith(ANALYST_KINDS) else "admin"


def allow(session: Session, actor: str, action: str) -> None:
    """Pass when ``actor`` may do this. Raises NotAllowed for an account that is closed or whose role does not reach;
    an actor without an account (a key, the command line) was asked elsewhere.
    """
    if action in OWN:
        return
    user = session.exec(select(User).where(sa.func.lower(col(User.email)) == actor.lower())).first()
    if user is None:
        return
    needed = least_role(action)
    if user.disabled_at is not None or ROLES.index(user.role) < ROLES.index(needed):
        state = "closed" if user.disabled_at is not None else user.role
        raise NotAllowed(f"{action} needs the role {needed}; {user.email} is {state}. Ask an admin of your team")
