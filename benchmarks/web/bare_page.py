"""The floor: a bare Streamlit page with one star widget and one SQLite write, in a fragment."""

import os
import sqlite3

import streamlit as st


@st.cache_resource
def _database() -> sqlite3.Connection:
    connection = sqlite3.connect(os.environ["RECUX_BENCH_FILE"], check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS answer (id INTEGER PRIMARY KEY, value INTEGER)")
    return connection


@st.fragment
def question() -> None:
    """One star widget; its answer is kept, then confirmed."""
    value = st.feedback("stars", key="stars")
    if value is not None and st.session_state.get("kept") != value:
        _database().execute("INSERT INTO answer (value) VALUES (?)", (value + 1,))
        st.session_state["kept"] = value
    st.text(f"saved {value + 1}" if value is not None else "nothing yet")


st.title("Bare page")
question()
