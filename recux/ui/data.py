"""The settings and the engine of the running page."""

import os
from functools import lru_cache

import sqlalchemy as sa

from db.engine import engine_for
from recux.settings import Settings


def settings() -> Settings:
    """The settings of this process, read again only when its environment changed: every click asks for them."""
    return _settings(tuple((name, value) for name, value in os.environ.items() if name.startswith("RECUX_")))


@lru_cache(maxsize=8)
def _settings(_environment: tuple[tuple[str, str], ...]) -> Settings:
    return Settings()


def engine() -> sa.Engine:
    """The one engine of this process, shared by all script threads."""
    return engine_for(settings().url)
