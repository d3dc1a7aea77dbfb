"""The routes that set and clear cookies: sign-in and sign-out. A page cannot do that; a route can.

These routes change state, so each POST must come from our own pages (``Origin``); a link from elsewhere cannot.
"""

from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from db.engine import engine_for, write_session
from db.tables import User
from recux.access import audit, notice, wanted
from recux.access.accounts import sign_in
from recux.access.sessions import end_all_sessions, end_session, owner_of, start_session
from recux.settings import Settings

PARTICIPANT_COOKIE = "recux_participant"
USER_COOKIE = "recux_user"
PROVIDER_COOKIES = "_streamlit_user"
"""What Streamlit remembers of an identity provider; without signing out there too, one click would lead back in."""
PARTICIPANT_HOURS = 24.0 * 90
COOKIE_HOURS = 24.0 * 90
"""How long browsers keep a cookie; whether it still means anything is decided by its row in the database."""
SIGN_IN = "/sign_in"
TO_PROVIDER = "provider"
"""In the query of the sign-in page: go on to the identity provider at once."""


async def login(request: Request) -> Response:
    """Sign in with e-mail and password; on failure back to the form, with no hint which of the two was wrong."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return notice.refuse(request, "Please sign in from this site", "The request came from another page.")
    form = await request.form(max_files=0, max_fields=10)
    email, password, target = (str(form.get(field, "")) for field in ("email", "password", "next"))
    cookie = await run_in_threadpool(_login, settings, email, password)
    if cookie is None:
        query = urlencode({"failed": 1, "next": safe_target(target)})
        return RedirectResponse(f"{SIGN_IN}?{query}", status_code=303)
    response = RedirectResponse(safe_target(target), status_code=303)
    set_cookie(response, USER_COOKIE, cookie, settings)
    response.delete_cookie(PARTICIPANT_COOKIE)  # who signs in wants the admin pages, not the participant's
    return response


async def provider(request: Request) -> Response:
    """On the way to the identity provider: keep the address that was wanted, then let the sign-in page lead there."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return notice.refuse(request, "Please sign in from this site", "The request came from another page.")
    form = await request.form(max_files=0, max_fields=10)
    response = RedirectResponse(f"{SIGN_IN}?{TO_PROVIDER}=1", status_code=303)
    address = wanted.sealed(safe_target(str(form.get("next", ""))), settings.secret_key)
    set_cookie(response, wanted.WANTED_COOKIE, address, settings, hours=wanted.MINUTES / 60)
    return response


async def oidc(request: Request) -> Response:
    """Exchange the ticket of somebody who came back from the identity provider for a session."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return notice.refuse(request, "Please sign in from this site", "The request came from another page.")
    form = await request.form(max_files=0, max_fields=10)
    cookie = await run_in_threadpool(_exchange, settings, str(form.get("ticket", "")))
    if cookie is None:
        return RedirectResponse(SIGN_IN, status_code=303)
    response = RedirectResponse(safe_target(str(form.get("next", ""))), status_code=303)
    set_cookie(response, USER_COOKIE, cookie, settings)
    response.delete_cookie(PARTICIPANT_COOKIE)
    response.delete_cookie(wanted.WANTED_COOKIE)
    return response


async def logout(request: Request) -> Response:
    """Sign out: this browser, or with the field ``everywhere`` every browser of the account."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return notice.refuse(request, "Please sign out from this site", "The request came from another page.")
    form = await request.form(max_files=0, max_fields=10)
    cookie = request.cookies.get(USER_COOKIE, "")
    await run_in_threadpool(_logout, settings, cookie, everywhere="everywhere" in form)
    response = RedirectResponse(SIGN_IN, status_code=303)
    for name in [USER_COOKIE, *(name for name in request.cookies if name.startswith(PROVIDER_COOKIES))]:
        response.delete_cookie(name)
    return response


async def leave(request: Request) -> Response:
    """Forget the participant in this browser; an admin who tried an invite link gets the admin pages back."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return notice.refuse(request, "Please leave from this site", "The request came from another page.")
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


def _login(settings: Settings, email: str, password: str) -> str | None:
    engine = engine_for(settings.url)
    user = sign_in(engine, email, password)
    with write_session(engine) as session:
        audit.record(
            session, actor=email.strip().lower()[:255], action="sign-in" if user else "sign-in.failed", target=""
        )
        return start_session(session, user=user, hours=settings.session_hours) if user else None


def _exchange(settings: Settings, ticket: str) -> str | None:
    with write_session(engine_for(settings.url)) as session:
        user = owner_of(session, ticket)
        end_session(session, ticket)
        if not isinstance(user, User):
            return None
        audit.record(session, actor=user.email, action="sign-in", target="", by="oidc")
        return start_session(session, user=user, hours=settings.session_hours)


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


def set_cookie(response: Response, name: str, value: str, settings: Settings, *, hours: float = COOKIE_HOURS) -> None:
    """Give the browser a cookie that scripts cannot read and other sites cannot use."""
    response.set_cookie(
        name, value, max_age=int(hours * 3600), httponly=True, samesite="lax", secure=settings.secure_cookies
    )
