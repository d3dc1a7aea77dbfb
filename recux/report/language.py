"""The language that a report is being written in, and its words in it."""

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

LOCALE = Path(__file__).parent.parent / "locale"
_current: ContextVar[str] = ContextVar("report_language", default="en")


@contextmanager
def writing(language: str) -> Iterator[None]:
    """Inside, ``_`` speaks this language; English where it has no catalogue."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def available() -> list[str]:
    """The languages that a report can be written in."""
    return ["en", *sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir())]


def current() -> str:
    """The language that is being written."""
    return _current.get()


def _(message: str) -> str:
    """The message in the report's language."""
    return _catalogue(_current.get()).gettext(message)


def N_(message: str) -> str:  # noqa: N802 - the name that extraction knows
    """Marks a message whose translation is looked up later."""
    return message


@lru_cache(maxsize=8)
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("recux", LOCALE, languages=[language], fallback=True)
