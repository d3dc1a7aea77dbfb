"""What stands at a closed door: the sign-in form, and what someone needs to come in.

The forms post to routes and not to this page, because only a route can set a cookie.
"""

from html import escape
from urllib.parse import urlencode, urlsplit

import streamlit as st

from db.engine import read_session, write_session
from db.tables import User
from recux.access import oidc, wanted
from recux.access.accounts import any_user, change_own_password
from recux.access.http import PARTICIPANT_COOKIE, TO_PROVIDER
from recux.access.wanted import WANTED_COOKIE
from recux.errors import NotAllowed, RecuxError
from recux.ui import data, identity, problems
from recux.ui.language import _
from recux.ui.plain import plain

STYLE = """<style>
.recux-door{font-family:inherit;max-width:22rem;display:grid;gap:.4rem;color:var(--st-text-color)}
.recux-door input{font:inherit;padding:.6rem .7rem;border:1px solid #767676;border-radius:.5rem;margin-bottom:.6rem;
background:var(--st-background-color,transparent);color:inherit}
.recux-door button,.recux-quiet button{font:inherit;cursor:pointer;border-radius:.5rem}
.recux-door button{padding:.65rem;border:0;background:#0B6E6E;color:#fff;font-weight:600}
.recux-quiet button{padding:0;border:0;background:none;color:inherit;text-decoration:underline}
</style>"""


def sign_in() -> None:
    """The sign-in form. Afterwards the person lands on the address that they asked for."""
    st.title(_("Sign in to recux"))
    with read_session(data.engine()) as session:
        if not any_user(session) and not oidc.is_on(data.settings()):
            st.info(_("There is no account yet. Create the first one on the server:"))
            st.code("recux user create name@example.org --role admin", language=None)
            return
    if st.query_params.get("failed"):
        st.error(
            _("E-mail or password is wrong, or the account is closed. After five failures it is locked for 15 minutes.")
        )
    if oidc.is_on(data.settings()):
        _by_provider()
    st.html(
        f'{STYLE}<form class="recux-door" method="post" action="/auth/login">'
        f'<input type="hidden" name="next" value="{escape(_asked_for())}">'
        f'<label for="email">{escape(_("E-mail"))}</label>'
        '<input id="email" name="email" type="email" autocomplete="username" required>'
        f'<label for="password">{escape(_("Password"))}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        f'<button type="submit">{escape(_("Sign in"))}</button></form>'
    )


def _by_provider() -> None:
    """The way to the identity provider, or, for somebody who comes back from there, the way in."""
    settings = data.settings()
    name = plain(settings.oidc_title or _("your organisation"))
    claims = identity.provider_claims()
    if claims is None:
        _to_provider(_("Use the account of {name}").format(name=name))
        return
    try:
        who = oidc.identity_of(claims, trust_email=settings.oidc_trust_email)
        with write_session(data.engine()) as session:
            ticket = oidc.ticket(session, who, oidc.domains(settings.oidc_domains))
    except NotAllowed as refusal:
        st.error(problems.said(refusal))
        st.button(_("Use another account of {name}").format(name=name), on_click=st.logout)
        return
    label = _("Continue as {email}").format(email=who.email)
    st.html(
        f'{STYLE}<form class="recux-door" method="post" action="/auth/oidc">'
        f'<input type="hidden" name="next" value="{escape(_wanted())}">'
        f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
        f'<button type="submit">{escape(label)}</button></form>'
    )


def _to_provider(label: str) -> None:
    """The way there; the provider leads back to the first page only, so that a route keeps what was asked for."""
    if st.query_params.pop(TO_PROVIDER, None) and WANTED_COOKIE in st.context.cookies:
        st.login()
    st.html(
        f'{STYLE}<form class="recux-door" method="post" action="/auth/provider">'
        f'<input type="hidden" name="next" value="{escape(_asked_for())}">'
        f'<button type="submit">{escape(label)}</button></form>'
    )


def _wanted() -> str:
    """The address to go on to for somebody who comes back from the provider: this one, or the one from before."""
    kept = wanted.opened(st.context.cookies.get(WANTED_COOKIE) or "", data.settings().secret_key)
    here = _asked_for()
    return kept if kept is not None and here == "/" else here


def invite_missing() -> None:
    """For someone with neither an invite nor a sign-in, or whose link has ended."""
    if PARTICIPANT_COOKIE in st.context.cookies:
        st.title(_("This link has ended"), anchor=False)
        st.write(
            _(
                "Your link was replaced or ended, or you have not been here for a long time. Please open the newest "
                "link that you were sent, or ask the person who sent it. What you answered is kept, unless you erased "
                "it."
            )
        )
    else:
        st.title(_("You need an invite link"), anchor=False)
        st.write(_("To take part in a study, please open the link that you were sent. It also works a second time."))
    st.page_link(st.Page(sign_in, url_path="sign_in"), label=_("I belong to the team: sign in"))


def role_missing() -> None:
    """For a user whose role does not reach."""
    st.title(_("This page is not for your role"))
    st.write(_("Please ask an admin of your team if you need it."))


def signed_in(user: User) -> None:
    """Who is signed in, and the way out, at the foot of the sidebar."""
    with st.sidebar:
        st.text(user.email)
        if user.password_hash:
            with st.popover(_("My password"), icon=":material/key:"):
                _own_password(user)
        st.html(_quiet_form("/auth/logout", _("Sign out")))
        st.html(_quiet_form("/auth/logout", _("End all my sessions"), field="everywhere"))


def _own_password(user: User) -> None:
    with st.form("own-password", border=False, clear_on_submit=True):
        present = st.text_input(_("Current password"), type="password", autocomplete="current-password")
        new = st.text_input(_("New password (at least 10 characters)"), type="password", autocomplete="new-password")
        if not st.form_submit_button(_("Save it and sign in again")):
            return
    try:
        change_own_password(data.engine(), user.email, present, new)
    except RecuxError as error:
        st.error(problems.said(error))
        return
    st.switch_page(st.Page(sign_in, url_path="sign_in", visibility="hidden"))


def way_back() -> None:
    """For a user who opened an invite link to try it: back to the admin pages."""
    st.html(_quiet_form("/auth/leave", _("Leave the participant's view")))


def _asked_for() -> str:
    """Path and query of the address that led here; after a failed attempt, the one from before it."""
    query = st.query_params.to_dict()
    if "next" in query:
        return str(query["next"])
    path = urlsplit(st.context.url or "").path or "/"
    if path.endswith("/sign_in"):
        return "/"
    return f"{path}?{urlencode(query)}" if query else path


def _quiet_form(action: str, label: str, field: str = "") -> str:
    more = f'<input type="hidden" name="{field}" value="1">' if field else ""
    return (
        f'{STYLE}<form class="recux-quiet" method="post" action="{action}">{more}'
        f'<button type="submit">{escape(label)}</button></form>'
    )
