"""Choices that stand in the address by their codes, so that a link means the same in every language."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

Option = TypeVar("Option", bound=str)


def choose(
    label: str,
    options: Sequence[Option],
    *,
    key: str,
    names: Callable[[Option], str],
    place: Any = st,
    hidden: bool = False,
) -> Option:
    """One of ``options`` side by side, the first unless the address says otherwise under ``key``.

    (Streamlit's own binding would write the translated names into the address.)
    """
    asked = st.query_params.get(key)
    if st.session_state.get(key) not in options:
        st.session_state[key] = asked if asked in options else options[0]
    chosen: Option = place.segmented_control(
        label, list(options), key=key, format_func=names, required=True,
        label_visibility="collapsed" if hidden else "visible",
    )  # fmt: skip
    if chosen == options[0]:
        st.query_params.pop(key, None)
    elif asked != chosen:
        st.query_params[key] = chosen
    return chosen


def pick(
    label: str,
    options: Sequence[Option],
    *,
    key: str,
    names: Callable[[Option], str],
    nothing: str | None = None,
    place: Any = st,
) -> Option | None:
    """One of many ``options`` in a list that unfolds; with ``nothing``, the words for none, it may stay empty."""
    asked = st.query_params.get(key)
    if st.session_state.get(key) not in options:
        first = None if nothing is not None else options[0]
        st.session_state[key] = asked if asked in options else first
    more: dict[str, Any] = {} if nothing is None else {"index": None, "placeholder": nothing}
    chosen: Option | None = place.selectbox(label, list(options), key=key, format_func=names, **more)
    if chosen is None or (nothing is None and chosen == options[0]):
        st.query_params.pop(key, None)
    elif asked != chosen:
        st.query_params[key] = chosen
    return chosen
