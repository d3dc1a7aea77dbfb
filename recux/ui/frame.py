"""What every admin page begins with: who may see it, which study it is about, and a heading that says so."""

from datetime import datetime
from typing import NoReturn

import streamlit as st
from sqlmodel import Session, col, select

from db.engine import read_session
from db.queries import arms_of
from db.tables import Study, User, now
from recux.access.accounts import has_role, require_role
from recux.ui import data, identity
from recux.ui.language import _
from recux.ui.plain import plain
from recux.ui.story import LEAST_ROLE

CHOSEN = "study"
"""Key of the chosen study's slug, in the address and in the session."""
DONE = "_done"
GONE = "_gone"
FRESH = 5.0
"""Seconds up to which a figure is of this moment."""


def enter(role: str) -> User:
    """The signed-in user, asked of the database again. Raises NotAllowed when the role does not reach."""
    with read_session(data.engine()) as session:
        return require_role(identity.user(session), role)


def pick_study() -> None:
    """The switcher in the sidebar. The address names the study, so that it can be shared; the address wins.

    Studies that were put away are offered only while the address names one of them, or when there are no others.
    """
    asked = st.query_params.get(CHOSEN)
    with read_session(data.engine()) as session:
        known = _studies(session)
    offered = [one for one in known if one.archived_at is None or one.slug == asked] or known
    titles = {study.slug: study.title for study in offered}
    if not titles:
        return
    before = st.session_state.get(CHOSEN)
    if asked in titles:
        st.session_state[CHOSEN] = asked
    elif before not in titles:
        st.session_state[CHOSEN] = next(iter(titles))
    gone = next((slug for slug in (asked, before) if slug and slug not in titles), None)
    if gone is not None:
        st.session_state[GONE] = gone
        st.query_params[CHOSEN] = st.session_state[CHOSEN]
        st.rerun()  # without the click that was meant for the other study
    if GONE in st.session_state:
        text = _("The study {slug} is not there any more: it was deleted or put away. This is {title}.")
        slug = st.session_state.pop(GONE)
        st.warning(plain(text.format(slug=slug, title=titles[st.session_state[CHOSEN]])))
    st.sidebar.selectbox(
        _("Study"),
        list(titles),
        key=CHOSEN,
        format_func=lambda slug: titles.get(slug, slug),
        on_change=_name_in_address,
    )
    st.query_params[CHOSEN] = st.session_state[CHOSEN]


def chosen_study() -> Study:
    """The study this page is about; without any, the page ends here and says what to do."""
    with read_session(data.engine()) as session:
        study = session.exec(select(Study).where(Study.slug == st.session_state.get(CHOSEN, ""))).first()
    if study is None:
        st.title(_("Welcome to recux"))
        st.write(
            _(
                "There is no study yet. A study defines whom you ask, what you ask, and which ways of recommending you "
                "compare."
            )
        )
        st.page_link("pages/admin/studies.py", label=_("Set up the first study"), icon=":material/add:")
        st.stop()
    return study


def arm_titles(session: Session, study: Study) -> dict[str, str]:
    """Key to title of the study's arms, the control first: the order in which charts give them their colours."""
    assert study.id is not None
    return {arm.key: arm.title for arm in arms_of(session, study.id)}


def heading(title: str, study: Study | None = None) -> None:
    """The page's title, a label when the people of the study are simulated, and what the last click did."""
    st.title(title)
    if DONE in st.session_state:
        st.success(st.session_state.pop(DONE), icon=":material/check:")
    if study is not None and study.synthetic:
        st.badge(_("Synthetic data: these people are simulated"), icon=":material/smart_toy:", color="orange")


def done(message: str) -> NoReturn:
    """Show the page afresh with what was done; call it after the transaction."""
    st.session_state[DONE] = plain(message)
    st.rerun()


def sure(label: str, told: str, act: str, *, key: str | None = None) -> bool:
    """Whether ``act`` was pressed, which is behind ``label`` and what it would do: for what cannot be undone."""
    with st.popover(label):
        st.write(told)
        return st.button(act, key=key)


def choose(slug: str) -> None:
    """Make this study the one that pages are about, from the next run on."""
    st.query_params[CHOSEN] = slug


def as_of(at: datetime) -> None:
    """Say how old figures are that are not of this moment."""
    seconds = (now() - at).total_seconds()
    if seconds > FRESH:
        st.text(
            _("As of {n} seconds ago: a study of this size is not recounted each time the page opens.").format(
                n=round(seconds)
            )
        )


def empty(message: str, page: str | None = None, label: str | None = None) -> None:
    """Nothing to see yet, why, and where to go next."""
    st.info(plain(message))
    with read_session(data.engine()) as session:
        user = identity.user(session)
    if page and label and user is not None and has_role(user, LEAST_ROLE[page]):  # no link to a closed door
        st.page_link(f"pages/admin/{page}.py", label=label, icon=":material/arrow_forward:")


def _studies(session: Session) -> list[Study]:
    """Live studies first, then the newest."""
    live = col(Study.status) != "live"
    return list(session.exec(select(Study).order_by(live, col(Study.created_at).desc(), col(Study.id).desc())))


def _name_in_address() -> None:
    st.query_params[CHOSEN] = st.session_state[CHOSEN]
