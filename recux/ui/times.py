"""Times on the clocks of whoever looks, with the name of their zone."""

from typing import Any

import streamlit as st


def zone() -> str:
    """The reader's time zone, for example ``Europe/Berlin``."""
    return st.context.timezone or "UTC"


def column(title: str) -> Any:
    """A column of times, in the reader's zone, which the heading names."""
    return st.column_config.DatetimeColumn(f"{title} ({zone()})", timezone=zone(), format="YYYY-MM-DD HH:mm")
