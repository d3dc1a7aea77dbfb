"""The routes that set and clear cookies: invite links, sign-in, sign-out. A page cannot do that; a route can.

These routes change state, so each POST must come from our own pages (``Origin``); a link from elsewhere cannot.
"""

import gettext
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from db.engine import engine_for, write_session
from db.tables import User
from recux.access import audit
from recux.access.accounts import sign_in
from recux.access.invites import participant_of_invite
from recux.access.sessions import end_all_sessions, end_session, owner_of, start_session
from recux.errors import NotAllowed
from recux.settings import Settings

PARTICIPANT_COOKIE = "recux_participant"
USER_COOKIE = "recux_user"
PARTICIPANT_HOURS = 24.0 * 90
COOKIE_HOURS = 24.0 * 90
"""How long browsers keep a cookie; whether it still means anything is decided by its row in the database."""
SIGN_IN = "/sign_in"

LOCALE = Path(__file__).parent.parent / "locale"
REFUSAL = """<!doctype html><html><meta charset="utf-8"><title>recux</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>:root{{color-scheme:light dark}}body{{font:1.125rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;
padding:0 1.5rem}}h1{{font-size:1.5rem;line-height:1.3}}</style>
<main><h1>{title}</h1><p>{text}</p></main></html>"""


async def join(request: Request) -> Response:
    """Open an invite link: recognise this browser from now on, and go to the study."""
    settings = Settings()
    try:
        cookie = await run_in_threadpool(_join, settings, request.path_params["token"])
    except NotAllowed as refusal:
        _ = _translator(request)
        help_text = _("If it keeps happening, please ask who sent it to you.")
        return _refuse(_("This link does not open a study"), f"{_(str(refusal))} {help_text}")
    response = RedirectResponse("/", status_code=303)
    _set_cookie(response, PARTICIPANT_COOKIE, cookie, settings)
    response.headers["Cache-Control"] = "no-store"
    return response


async def login(request: Request) -> Response:
    """Sign in with e-mail and password; on failure back to the form, with no hint which of the two was wrong."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return _refuse("Please sign in from this site", "The request came from another page.")
    form = await request.form(max_files=0, max_fields=10)
    email, password, target = (str(form.get(field, "")) for field in ("email", "password", "next"))
    cookie = await run_in_threadpool(_login, settings, email, password)
    if cookie is None:
        query = urlencode({"failed": 1, "next": safe_target(target)})
        return RedirectResponse(f"{SIGN_IN}?{query}", status_code=303)
    response = RedirectResponse(safe_target(target), status_code=303)
    _set_cookie(response, USER_COOKIE, cookie, settings)
    response.delete_cookie(PARTICIPANT_COOKIE)  # who signs in wants the admin pages, not the participant's
    return response


async def logout(request: Request) -> Response:
    """Sign out: this browser, or with the field ``everywhere`` every browser of the account."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return _refuse("Please sign out from this site", "The request came from another page.")
    form = await request.form(max_files=0, max_fields=10)
    cookie = request.cookies.get(USER_COOKIE, "")
    await run_in_threadpool(_logout, settings, cookie, everywhere="everywhere" in form)
    response = RedirectResponse(SIGN_IN, status_code=303)
    response.delete_cookie(USER_COOKIE)
    return response


async def leave(request: Request) -> Response:
    """Forget the participant in this browser; an admin who tried an invite link gets the admin pages back."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return _refuse("Please leave from this site", "The request came from another page.")
    await run_in_threadpool(_forget, settings, request.cookies.get(PARTICIPANT_COOKIE, ""))
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(PARTICIPANT_COOKIE)
    return response


def from_our_pages(request: Request, settings: Settings) -> bool:
    """Whether a form was sent by a page of this server. A browser that names no origin is refused."""
    origin = urlsplit(request.headers.get("origin", ""))
    ours = {request.headers.get("host", ""), urlsplit(settings.base_url).netloc}
    return origin.scheme in {"http", "https"} and origin.netloc in ours


def safe_target(target: str) -> str:
    """The path to go to after signing in; anything that could lead to another site becomes ``/``."""
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and not urlsplit(target).netloc
    return target if local and target.isprintable() else "/"


def _join(settings: Settings, token: str) -> str:
    with write_session(engine_for(settings.url)) as session:
        participant = participant_of_invite(session, token)
        return start_session(session, participant=participant, hours=PARTICIPANT_HOURS)


def _login(settings: Settings, email: str, password: str) -> str | None:
    engine = engine_for(settings.url)
    user = sign_in(engine, email, password)
    with write_session(engine) as session:
        audit.record(
            session, actor=email.strip().lower()[:255], action="sign-in" if user else "sign-in.failed", target=""
        )
        return start_session(session, user=user, hours=settings.session_hours) if user else None


def _logout(settings: Settings, cookie: str, *, everywhere: bool) -> None:
    with write_session(engine_for(settings.url)) as session:
        owner = owner_of(session, cookie)
        if isinstance(owner, User):
            audit.record(session, actor=owner.email, action="sign-out", target="", everywhere=everywhere)
            if everywhere:
                end_all_sessions(session, owner)
        end_session(session, cookie)


def _forget(settings: Settings, cookie: str) -> None:
    with write_session(engine_for(settings.url)) as session:
        end_session(session, cookie)


def _set_cookie(response: Response, name: str, value: str, settings: Settings) -> None:
    seconds = int(COOKIE_HOURS * 3600)
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=settings.secure_cookies)


def _translator(request: Request) -> Callable[[str], str]:
    """Into the first language that the browser asks for, if there is a catalogue of it."""
    wanted = request.headers.get("accept-language", "").strip().lower()
    languages = ["zh_CN"] if wanted.startswith("zh") else []
    return gettext.translation("recux", LOCALE, languages=languages, fallback=True).gettext


def _refuse(title: str, text: str) -> HTMLResponse:
    return HTMLResponse(REFUSAL.format(title=escape(title), text=escape(text)), status_code=403)
