"""Which pages exist for whom.

Every address is registered for everyone, so that a link opened before signing in still leads where it points. Where
someone may not go, the address shows instead what is missing: an invite, a sign-in, or a role.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from db.engine import AWAY, read_session
from db.tables import User
from recux.access.accounts import has_role
from recux.errors import RecuxError
from recux.ui import data, doors, frame, identity, problems
from recux.ui.language import _
from recux.ui.story import ADMIN_PAGES, CHAPTERS, PARTICIPANT_PAGES

ICON = Path(__file__).with_name("icon.png")
STYLE = """<style>
[data-testid="stElementToolbar"] button[aria-label="Download as CSV"]{display:none}
[data-testid="stMainBlockContainer"]{padding-top:3rem}
[data-testid="stMetricDelta"] *,[data-testid="stMetricLabel"] *{white-space:normal!important;overflow:visible!important}
@media (max-width:1000px){[data-testid="stHorizontalBlock"]:has([data-testid="stVegaLiteChart"])
>[data-testid="stColumn"]{min-width:100%}}
button[data-variant="segmented_control"][data-selected="true"] p{color:light-dark(#0B6E6E,#6FD3CD)}
</style>"""
"""The built-in download of tables would let a comment become a spreadsheet formula; ours cannot. The theme's own colour
of a chosen option is too weak to read in the dark. On a tablet charts stand below each other, not squeezed beside."""
ASKED_AGAIN = "_asked_again"
LOG = logging.getLogger("recux.pages")


def titles() -> dict[str, str]:
    """The admin pages' names in the reader's language."""
    return {
        "overview": _("Overview"),
        "experiment": _("Experiment"),
        "effect": _("Effect"),
        "comments": _("Comments"),
        "take_away": _("Take away"),
        "stability": _("Stability"),
        "rounds": _("Rounds"),
        "suggestions": _("Suggestions"),
        "studies": _("Studies"),
        "people": _("People"),
        "import_data": _("Import"),
        "team": _("Accounts"),
    }


def chapters() -> dict[str, str]:
    """The chapters of the story in the reader's language."""
    return {
        "set_up": _("Set up"),
        "collect": _("Collect"),
        "results": _("Results"),
        "improve": _("Improve"),
        "team": _("Team"),
    }


def show() -> None:
    """Find out who is here, offer their pages, and run the one they asked for. Expected failures are said plainly."""
    st.set_page_config(page_title="recux", page_icon=str(ICON))
    try:
        _choose().run()
    except RecuxError as error:
        st.error(problems.said(error), icon=":material/error:")
    except AWAY:
        LOG.exception("the database did not answer")
        st.error(_("The database does not answer. Nothing that was saved is lost; please try again in a minute."))
        st.session_state[ASKED_AGAIN] = False
        st.fragment(_until_it_answers, run_every=3.0)()


def _until_it_answers() -> None:
    """Show the page again as soon as the database is back; what the browser still has to save is saved then."""
    if not st.session_state[ASKED_AGAIN]:  # the page has failed this moment: what it met may not be over at once
        st.session_state[ASKED_AGAIN] = True
        return
    try:
        with read_session(data.engine()) as session:
            session.connection()
    except AWAY:
        return
    st.rerun()


def _choose() -> st.Page:
    with read_session(data.engine()) as session:
        participant, user = identity.participant(session), identity.user(session)
    if participant is not None:
        page = st.navigation(_for_participant(), position="hidden")
        if user is not None:
            doors.way_back()
        return page
    if user is None:
        return st.navigation(_for_nobody(), position="hidden")
    st.set_page_config(layout="wide")
    st.html(STYLE)
    page = st.navigation(_for_user(user), position="hidden")
    frame.pick_study()
    _contents(user)
    doors.signed_in(user)
    return page


def _contents(user: User) -> None:
    """The story in the sidebar: chapters with their pages, as far as the role reaches."""
    names, headings = titles(), chapters()
    for chapter in CHAPTERS:
        pages = [page for page in ADMIN_PAGES if page.chapter == chapter and has_role(user, page.role)]
        if not pages:
            continue
        st.sidebar.markdown(f"**{headings[chapter]}**")
        for page in pages:
            st.sidebar.page_link(f"pages/admin/{page.name}.py", label=names[page.name], icon=page.icon)


def _for_participant() -> list[st.Page]:
    own = [
        st.Page(f"pages/participant/{name}.py", url_path=_address(name), default=name == PARTICIPANT_PAGES[0])
        for name in PARTICIPANT_PAGES
    ]
    home = _home(own[0], PARTICIPANT_PAGES[0])
    return [*own, home, *_closed([page.name for page in ADMIN_PAGES], doors.sign_in), _sign_in()]


def _for_user(user: User) -> list[st.Page]:
    names = titles()
    own = [
        st.Page(f"pages/admin/{page.name}.py", title=names[page.name], icon=page.icon, url_path=_address(page.name))
        for page in ADMIN_PAGES
        if has_role(user, page.role)
    ]
    missing = [page.name for page in ADMIN_PAGES if not has_role(user, page.role)]
    closed = [*_closed(missing, doors.role_missing), *_closed(PARTICIPANT_PAGES, doors.invite_missing)]
    return [*own, _home(own[0], ADMIN_PAGES[0].name), *closed, _sign_in()]


def _for_nobody() -> list[st.Page]:
    door = doors.invite_missing if identity.provider_claims() is None else doors.sign_in
    hello = st.Page(door, title="recux", url_path="hello", default=True)
    admin = [page.name for page in ADMIN_PAGES]
    return [hello, *_closed(PARTICIPANT_PAGES, doors.invite_missing), *_closed(admin, doors.sign_in), _sign_in()]


def _address(name: str) -> str:
    """The first page is served at ``/``; were its name an address too, that address would be "not found"."""
    return "start" if name in {PARTICIPANT_PAGES[0], ADMIN_PAGES[0].name} else name


def _home(first: st.Page, name: str) -> st.Page:
    """The first page under its name, for links that spell it out."""

    def go_on() -> None:
        # a copy: the parameters themselves are emptied before they are set
        st.switch_page(first, query_params=st.query_params.to_dict())

    return st.Page(go_on, url_path=name, visibility="hidden")


def _sign_in() -> st.Page:
    return st.Page(doors.sign_in, title=_("Sign in"), url_path="sign_in", visibility="hidden")


def _closed(names: list[str] | tuple[str, ...], door: Callable[[], None]) -> list[st.Page]:
    return [st.Page(door, title="recux", url_path=name, visibility="hidden") for name in names]
