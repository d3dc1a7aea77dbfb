"""Which language the reader gets, and the interface's words in it."""

import gettext
from functools import lru_cache
from pathlib import Path

import streamlit as st

LOCALE = Path(__file__).parent.parent / "locale"


def language() -> str:
    """``zh_CN`` for Chinese browsers, else ``en``."""
    return "zh_CN" if (st.context.locale or "en").lower().startswith("zh") else "en"


@lru_cache(maxsize=8)
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation("recux", LOCALE, languages=[code], fallback=True)


def _(message: str) -> str:
    """The message in the reader's language."""
    return _catalogue(language()).gettext(message)
