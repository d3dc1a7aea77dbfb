"""How people come in: a link is exchanged for a cookie that scripts cannot read, and leaves the address bar.

A personal link opens its study at once. An open link first shows a page with one button, because mail scanners and
messengers open every link that they see: looking takes nobody's seat, only the button does.
"""

import logging
import re
from collections.abc import Mapping

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from db.engine import AWAY, engine_for, read_session, write_session
from db.tables import Participant, Study
from recux.access import notice, open_links
from recux.access.http import PARTICIPANT_COOKIE, PARTICIPANT_HOURS, from_our_pages, set_cookie
from recux.access.invites import participant_of_invite
from recux.access.sessions import owner_of, start_session
from recux.access.tokens import new_token
from recux.errors import NotAllowed, NotOpen, Unavailable
from recux.settings import Settings

ARRIVED = "/join"
"""Where a browser that brought no cookie is sent, to see whether it kept ours."""
DOOR_COOKIE = "recux_door"
DOOR_HOURS = 1.0
LOG = logging.getLogger("recux.access")


async def join(request: Request) -> Response:
    """Open a link: recognise this browser from now on, and go to the study."""
    settings, token = Settings(), _without_punctuation(request.path_params["token"])
    if request.method == "HEAD":
        return Response()  # somebody checks the link; that opens nothing
    try:
        study = await run_in_threadpool(_study_of, settings, token)
        if study is not None:
            if request.method == "POST":
                return await _start(request, settings, token)
            return await _door(request, settings, study)
        cookie = await run_in_threadpool(_join, settings, token)
    except (NotAllowed, Unavailable, *AWAY) as problem:
        return _refused(request, problem)
    return _inside(settings, cookie, "/" if request.cookies else ARRIVED)


async def arrived(request: Request) -> Response:
    """The second half of a first visit: go on when the browser kept the cookie, and say what to do when it did not."""
    if PARTICIPANT_COOKIE in request.cookies:
        return RedirectResponse("/", status_code=303)
    return _cookies_off(request)


async def _door(request: Request, settings: Settings, study: Study) -> Response:
    cookie = request.cookies.get(PARTICIPANT_COOKIE, "")
    known = await run_in_threadpool(_returning, settings, study, request.query_params, cookie)
    if known is not None:
        return _inside(settings, known, "/" if request.cookies else ARRIVED)
    _ = notice.translator(request)
    page = notice.door(
        request,
        study.title,
        _("Thank you for your interest in this study. It takes a few minutes and works well on a phone."),
        _("Start"),
        _(
            "Next you read what the study is about and decide whether to take part. This site keeps one cookie, to "
            "know where you left off."
        ),
    )
    set_cookie(page, DOOR_COOKIE, new_token(), settings, hours=DOOR_HOURS)
    return page


async def _start(request: Request, settings: Settings, token: str) -> Response:
    browser = request.cookies.get(DOOR_COOKIE, "")
    if not browser:
        return _cookies_off(request)
    if not from_our_pages(request, settings):
        _ = notice.translator(request)
        return notice.refuse(request, _("Please start from this site"), _("The request came from another page."))
    cookie = await run_in_threadpool(_come_in, settings, token, request.query_params, browser)
    return _inside(settings, cookie, "/")


def _without_punctuation(token: str) -> str:
    """The token without what a sentence put behind the link, or a messenger that made a link of too much."""
    return re.sub(r"[^A-Za-z0-9_-]+$", "", token)


def _study_of(settings: Settings, token: str) -> Study | None:
    with read_session(engine_for(settings.url)) as session:
        return open_links.study_of_open_link(session, token)


def _join(settings: Settings, token: str) -> str:
    with write_session(engine_for(settings.url)) as session:
        participant = participant_of_invite(session, token)
        return start_session(session, participant=participant, hours=PARTICIPANT_HOURS)


def _returning(settings: Settings, study: Study, sent: Mapping[str, str], cookie: str) -> str | None:
    """The cookie of somebody who was here before: this browser's, or a new one for the panel's member; else None.

    Raises NotAllowed when somebody new could not come in.
    """
    with write_session(engine_for(settings.url)) as session:
        here = _person_in(session, study, cookie)
        member = open_links.known_member(session, study, sent, secret=settings.secret_key)
        if member is not None:
            same = here is not None and here.id == member.id
            return cookie if same else start_session(session, participant=member, hours=PARTICIPANT_HOURS)
        if here is not None and here.came_by != "panel":
            return cookie
        open_links.check_open(session, study)
        return None


def _come_in(settings: Settings, token: str, sent: Mapping[str, str], browser: str) -> str:
    """Take a seat, once however often the button is pressed: ``browser`` says that it is the same one.

    Returns the participant's cookie, which is ``browser`` unless that opens something else already.
    """
    with write_session(engine_for(settings.url)) as session:
        study = open_links.lock(session, token)
        if study is not None and _person_in(session, study, browser) is not None:
            return browser
        person = open_links.come_in(session, token, sent, secret=settings.secret_key)
        free = browser if owner_of(session, browser) is None else None
        return start_session(session, participant=person, hours=PARTICIPANT_HOURS, token=free)


def _person_in(session: Session, study: Study, cookie: str) -> Participant | None:
    owner = owner_of(session, cookie) if cookie else None
    return owner if isinstance(owner, Participant) and owner.study_id == study.id else None


def _inside(settings: Settings, cookie: str, target: str) -> Response:
    response = RedirectResponse(target, status_code=303)
    set_cookie(response, PARTICIPANT_COOKIE, cookie, settings)
    response.headers["Cache-Control"] = "no-store"
    return response


def _cookies_off(request: Request) -> Response:
    _ = notice.translator(request)
    return notice.refuse(
        request,
        _("Your browser keeps no cookies for this site"),
        _("This study keeps one cookie, to know where you left off. Nothing was stored about you."),
        _("Please allow cookies for this site, or open the link in another browser, and try again."),
    )


def _refused(request: Request, problem: Exception) -> Response:
    """The page for somebody who cannot come in, or not now."""
    _ = notice.translator(request)
    if isinstance(problem, NotOpen):
        return notice.refuse(request, _("Thank you for coming"), _(str(problem)))
    if isinstance(problem, NotAllowed):
        return notice.refuse(
            request,
            _("This link does not open a study"),
            _(str(problem)),
            _("If it keeps happening, please ask the person who sent it to you."),
        )
    LOG.error("somebody could not be let in", exc_info=problem)
    return _not_ready(request) if isinstance(problem, Unavailable) else notice.away(request)


def _not_ready(request: Request) -> Response:
    _ = notice.translator(request)
    return notice.refuse(
        request,
        _("This study is not ready yet"),
        _(
            "Something is missing on our side, and nothing was stored about you. Please try again later, and tell the "
            "person who sent you the link."
        ),
        status=503,
    )
