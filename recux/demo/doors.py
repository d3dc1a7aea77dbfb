"""The ways in: one invite link, and an account for the admin pages."""

import secrets

import sqlalchemy as sa

from db.engine import write_session
from recux.access.accounts import create_user, enable_user, find_user, set_password
from recux.access.invites import create_invites
from recux.collect.studies import get_study
from recux.settings import Settings

EMAIL = "admin@demo.local"
ACTOR = "recux demo"


def doors(engine: sa.Engine, settings: Settings, slug: str) -> list[str]:
    """A new invite link and a new password for the demonstration's own account, in lines for the person.

    Neither is stored in the clear, so every call makes new ones.
    """
    password = secrets.token_urlsafe(12)
    with write_session(engine) as session:
        (invite,) = create_invites(session, get_study(session, slug), count=1)
        if find_user(session, EMAIL) is None:
            create_user(session, EMAIL, password, "admin", actor=ACTOR)
        else:
            enable_user(session, EMAIL, actor=ACTOR)
            set_password(session, EMAIL, password, actor=ACTOR)
    return [
        f"Take part:   {settings.base_url}/join/{invite.token}",
        f"Admin pages: {settings.base_url}/",
        f"  sign in as {EMAIL} with the password {password}",
    ]
