"""The running round, looked at again every two seconds until it ends."""

from typing import Any

import pandas as pd
import streamlit as st

from db.engine import read_session
from db.tables import Round, Study
from recux import charts
from recux.insight import rounds
from recux.rounds.queue import cancel, retry
from recux.ui import data, definitions, frame, words, worker
from recux.ui.language import _
from recux.ui.plain import plain

AT_WORK = {"queued", "running"}
STAGES = ("prepare", "train", "record", "evaluate", "suggest", "rerank")


def round_panel(study: Study, round_: Round, *, by: str | None) -> None:
    """Where the newest round is; ``by`` may cancel it. Closing the page stops the looking, not the round."""
    every = 2.0 if round_.status in AT_WORK else None
    st.fragment(_panel, run_every=every)(study, round_.status, by)


def _panel(study: Study, status_before: str, by: str | None) -> None:
    with read_session(data.engine()) as session:
        round_ = rounds.latest(session, study)
    if round_ is None or round_.status != status_before:
        st.rerun()
    worker.warn_if_down(round_)
    if round_.status == "queued":
        st.info(_("Round {n} waits for the worker.").format(n=round_.number), icon=":material/schedule:")
    if round_.status == "running":
        _running(round_)
    if round_.status == "failed":
        reason = plain(definitions.said(round_.message) or _("no reason was recorded"))
        st.error(_("Round {n} failed: {reason}").format(n=round_.number, reason=reason), icon=":material/error:")
        if by is not None and st.button(_("Try again")):
            assert round_.id is not None
            retry(data.settings(), round_.id, actor=by)
            st.rerun()
    told = _("What it has learned is lost. The next round learns from its batch, too.")
    if by is not None and round_.status in AT_WORK and frame.sure(_("Cancel"), told, _("Cancel this round")):
        assert round_.id is not None
        cancel(data.settings(), round_.id, actor=by)
        st.rerun()


def _running(round_: Round) -> None:
    at: dict[str, Any] = round_.progress or {}
    stage = round_.stage or STAGES[0]
    step, of = at.get("step") or 0, at.get("of") or 0
    within = step / of if of else 0.0
    share = (STAGES.index(stage) + within) / len(STAGES) if stage in STAGES else 0.0
    text = _("Round {n}: {stage}").format(n=round_.number, stage=words.stage(stage))
    text += f", {doing}" if (doing := words.at_work(at.get("stage")) if stage == "train" else "") else ""
    st.progress(min(share, 1.0), text=f"{text} ({step} / {of})" if of else text)
    numbers = st.columns(4)
    _number(numbers[0], _("Loss"), at.get("loss"), ".3f")
    _number(numbers[1], _("Loss on people kept aside"), at.get("held_out"), ".3f")
    _number(numbers[2], _("Word pieces per second"), at.get("tokens_per_second"), ",.0f")
    _number(numbers[3], _("Seconds left"), at.get("seconds_left"), ",.0f")
    seen = _losses(round_, at)
    if len(seen) > 2:
        st.altair_chart(charts.losses(pd.DataFrame(seen), title=_("Loss"), x_title=_("Step")))


def _losses(round_: Round, at: dict[str, Any]) -> list[dict[str, float]]:
    """The losses that this page has seen of the round."""
    seen: list[dict[str, float]] = st.session_state.setdefault(f"_losses-{round_.id}", [])
    loss, step = at.get("loss"), at.get("step")
    if loss is not None and step is not None and (not seen or seen[-1]["step"] < step):
        seen.append({"step": step, "loss": loss})
    return seen


def _number(place: Any, label: str, value: float | None, form: str) -> None:
    if value is not None:
        place.metric(label, format(value, form))
