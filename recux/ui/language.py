"""Which language the reader gets, and the interface's words in it."""

import gettext
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

LOCALE = Path(__file__).parent.parent / "locale"
NAMES = {"en": "English", "zh_CN": "简体中文"}
"""Languages that the interface is complete in, by their own names."""
CHOSEN = "_language"
FALLBACK = "en"


def language() -> str:
    """The language chosen in this session, else ``zh_CN`` for Chinese browsers, else ``en``."""
    return str(st.session_state.get(CHOSEN) or of_browser())


def of_browser() -> str:
    """The interface's language that the browser asks for; English when it asks for none that there is."""
    return "zh_CN" if (st.context.locale or "").lower().startswith("zh") else FALLBACK


def choose(wanted: Sequence[str | None], offered: Sequence[str]) -> None:
    """Use the first of ``wanted`` that is offered and that there is, else the first that is offered and there is."""
    possible = [code for code in offered if code in NAMES] or [FALLBACK]
    st.session_state[CHOSEN] = next((code for code in wanted if code in possible), possible[0])


def tell_browser() -> None:
    """Let the page say which language it is in, which Streamlit's own says is English: screen readers speak it."""
    _teller()(key="language", data=language().replace("_", "-"))


@cache
def _teller() -> Any:
    return st.components.v2.component(
        "recux_language", js="export default ({ data }) => { document.documentElement.lang = data; };"
    )


@lru_cache(maxsize=8)
def catalogue(code: str) -> gettext.NullTranslations:
    """The translations into ``code``; the messages themselves where there are none."""
    return gettext.translation("recux", LOCALE, languages=[code], fallback=True)


def _(message: str) -> str:
    """The message in the reader's language."""
    return catalogue(language()).gettext(message)


def plural(one: str, many: str, count: int) -> str:
    """The form of the message for ``count``, in the reader's language, with ``{count}`` filled in."""
    return catalogue(language()).ngettext(one, many, count).format(count=count)
