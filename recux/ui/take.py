"""Taking away what a page shows: every table and the numbers behind every chart, as a file."""

import pandas as pd
import streamlit as st

from recux.spreadsheet import csv_of
from recux.ui.language import _


def numbers(table: pd.DataFrame, name: str, *, label: str | None = None) -> None:
    """A small button that downloads ``table`` as ``name``.csv."""
    st.download_button(
        label or _("Download these numbers (CSV)"),
        lambda: csv_of(table),
        f"{name}.csv",
        "text/csv",
        key=f"take-{name}",
        icon=":material/download:",
        type="tertiary",
    )
