"""Said wherever something waits for the worker: that none runs, and how to start one."""

import streamlit as st

from db.engine import read_session
from db.tables import Round
from recux.rounds.queue import worker_is_missing
from recux.ui import data
from recux.ui.language import _


def warn_if_down(newest: Round | None, *, waits: bool = False) -> None:
    """A warning when no worker is alive although the newest round stands still for want of one, or a batch ``waits``.

    Whether one is alive says its lease, so that a worker busy with another study's round is not taken for missing.
    """
    stands = newest is not None and newest.status in {"queued", "running"}
    if not (stands or waits):
        return
    with read_session(data.engine()) as session:
        missing = worker_is_missing(session, newest if stands else None)
    if missing:
        st.warning(
            _(
                "No worker is running, so rounds do not proceed. Start one on the server, alone or together with the "
                "pages:"
            )
        )
        st.code("recux worker\nrecux serve", language=None)
