"""The settings and the engine of the running page."""

import sqlalchemy as sa

from db.engine import engine_for
from recux.settings import Settings


def settings() -> Settings:
    """The settings of this process; cheap enough to read at every rerun."""
    return Settings()


def engine() -> sa.Engine:
    """The one engine of this process, shared by all script threads."""
    return engine_for(settings().url)
