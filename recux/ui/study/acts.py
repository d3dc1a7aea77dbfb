"""What may be done to a study now: launch, pause, close, copy, put away. Whatever cannot be undone asks first."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st
from sqlmodel import Session

from db.engine import write_session
from db.tables import Study, User
from recux.access import audit
from recux.collect import studies, study_life
from recux.errors import RecuxError
from recux.ui import data, frame, problems
from recux.ui.language import _

Act = Callable[[Session, Study], Any]


def offer(me: User, study: Study, *, ready: bool) -> None:
    """The buttons that fit the study's state."""
    place = st.container(horizontal=True, vertical_alignment="bottom")
    with place:
        if study.status == "draft":
            _launch(me, study, ready=ready)
        if study.soft_limit is not None:
            _end_soft_launch(me, study)
        if study.status == "live" and st.button(_("Pause"), icon=":material/pause:"):
            _do(me, study, "study.pause", study_life.pause_study, _("Paused: no new people and no answers for now."))
        if study.status == "paused" and st.button(_("Resume"), icon=":material/play_arrow:", type="primary"):
            _do(me, study, "study.resume", study_life.resume_study, _("The study goes on."))
        if study.status in {"live", "paused"}:
            _close(me, study)
        _copy(me, study)
        _attic(me, study)


def _launch(me: User, study: Study, *, ready: bool) -> None:
    if st.button(_("Launch"), type="primary", disabled=not ready, icon=":material/rocket_launch:"):
        _do(me, study, "study.launch", studies.launch_study, _("The study is live. Next: invite people."))
    with st.popover(_("Soft launch"), disabled=not ready):
        st.write(_("Let a few people in first. If something is wrong, their answers can be discarded."))
        people = st.number_input(_("People who may take part"), 1, 10_000, 5)
        if st.button(_("Begin the soft launch"), type="primary"):
            act = partial(_soft, people=int(people))
            _do(
                me, study, "study.soft_launch", act, _("The soft launch has begun. Next: invite people."), people=people
            )


def _soft(session: Session, study: Study, people: int) -> list[str]:
    return study_life.soft_launch(session, study, people)


def _end_soft_launch(me: User, study: Study) -> None:
    if st.button(_("Keep the answers and open to everybody"), type="primary"):
        keep = partial(study_life.end_soft_launch, keep=True)
        _do(me, study, "study.soft_launch.keep", keep, _("The study is open to everybody; the answers so far count."))
    with st.popover(_("Discard the answers")):
        st.write(_("They stop counting everywhere. On the page People, a person's answers can be taken back."))
        if st.button(_("Discard and open to everybody")):
            drop = partial(study_life.end_soft_launch, keep=False)
            _do(me, study, "study.soft_launch.discard", drop, _("Discarded. The study is open to everybody."))


def _close(me: User, study: Study) -> None:
    with st.popover(_("Close")):
        st.write(_("Nothing more will be collected. This cannot be undone; results stay."))
        if st.button(_("Close the study")):
            _do(me, study, "study.close", studies.close_study, _("Closed."))


def _copy(me: User, study: Study) -> None:
    with st.popover(_("Duplicate")):
        slug = st.text_input(_("Short name of the copy"), placeholder=f"{study.slug}-2")
        if st.button(_("Make the copy"), disabled=not slug.strip()):
            copied = partial(study_life.duplicate_study, slug=slug.strip())
            _do(me, study, "study.duplicate", copied, _("The copy is a draft."), then=slug.strip(), copy=slug.strip())


def _attic(me: User, study: Study) -> None:
    if study.archived_at is not None:
        if st.button(_("Take out again"), icon=":material/unarchive:"):
            _do(me, study, "study.restore", study_life.restore_study, _("It is offered again."))
    elif study.status in {"draft", "closed"} and st.button(_("Put away"), icon=":material/archive:"):
        _do(me, study, "study.archive", study_life.archive_study, _("Put away. It is still in the table below."))


def _do(me: User, study: Study, action: str, act: Act, said: str, *, then: str = "", **details: Any) -> None:
    try:
        with write_session(data.engine()) as session:
            cautions = act(session, studies.get_study(session, study.slug))
            audit.record(session, actor=me.email, action=action, target=study.slug, **details)
    except RecuxError as error:
        st.error(problems.said(error))
        return
    if then:
        frame.choose(then)
    frame.done("\n".join([said, *(cautions if isinstance(cautions, list) else [])]))
