"""On what kind of device somebody reads the pages, so that a layout which fails on one of them can be found."""

import streamlit as st


def device() -> str | None:
    """The kind of device of whoever looks at the page; None when the browser does not say."""
    return kind_of(st.context.headers.get("User-Agent") or "")


def kind_of(user_agent: str) -> str | None:
    """``phone``, ``tablet`` or ``desktop``, by the words that browsers name them with; None for no name at all.

    Android says ``Mobile`` on phones alone. An iPad that asks for desktop pages passes for a desktop.
    """
    if not user_agent:
        return None
    if "iPad" in user_agent or "Tablet" in user_agent or ("Android" in user_agent and "Mobile" not in user_agent):
        return "tablet"
    return "phone" if "Mobi" in user_agent or "iPhone" in user_agent else "desktop"
