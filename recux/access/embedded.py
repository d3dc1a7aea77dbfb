"""The door for web apps that embed recux: a signed participant id is exchanged for a cookie.

In a frame on another site browsers keep only cookies that are ``SameSite=None``, ``Secure`` and ``Partitioned``; such a
cookie is set in that case alone, and only where ``RECUX_EMBED_HOSTS`` names somebody who may frame us.
"""

import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from db.engine import AWAY, engine_for, write_session
from recux.access import notice
from recux.access.embedding import NOBODY_NEW, embed_hosts, person_of, read_token
from recux.access.http import PARTICIPANT_COOKIE, PARTICIPANT_HOURS, set_cookie
from recux.access.joining import ARRIVED
from recux.access.sessions import start_session
from recux.errors import NotAllowed, Unavailable
from recux.settings import Settings

LOG = logging.getLogger("recux.access")


async def embed(request: Request) -> Response:
    """Open a signed id: recognise this browser from now on, and go to the study."""
    settings = Settings()
    if request.method == "HEAD":
        return Response()  # somebody checks the link; that opens nothing
    try:
        cookie = await run_in_threadpool(_come_in, settings, request.path_params["token"])
    except (NotAllowed, Unavailable) as refusal:
        LOG.warning("an embedded participant could not be let in: %s", refusal)
        return _refused(request, full=str(refusal) == NOBODY_NEW)
    except AWAY:
        LOG.exception("the database did not answer")
        return notice.away(request)
    response = RedirectResponse("/" if request.cookies else ARRIVED, status_code=303)
    response.headers["Cache-Control"] = "no-store"
    if in_frame(request) and embed_hosts(settings):
        set_framed_cookie(response, cookie)
    else:
        set_cookie(response, PARTICIPANT_COOKIE, cookie, settings)
    return response


def in_frame(request: Request) -> bool:
    """Whether the browser loads this into a frame; browsers say so since 2023 at the latest."""
    return request.headers.get("sec-fetch-dest", "") in {"iframe", "frame"}


def set_framed_cookie(response: Response, value: str) -> None:
    """Give the browser a cookie for this frame below this site alone (CHIPS)."""
    age = int(PARTICIPANT_HOURS * 3600)
    attributes = f"Max-Age={age}; Path=/; HttpOnly; SameSite=None; Secure; Partitioned"
    response.headers.append("Set-Cookie", f"{PARTICIPANT_COOKIE}={value}; {attributes}")


def _come_in(settings: Settings, token: str) -> str:
    with write_session(engine_for(settings.url)) as session:
        person = person_of(session, read_token(session, settings, token))
        return start_session(session, participant=person, hours=PARTICIPANT_HOURS)


def _refused(request: Request, *, full: bool) -> Response:
    _ = notice.translator(request)
    why = _(NOBODY_NEW) if full else _("This link is not valid. Please check that you copied all of it.")
    return notice.refuse(
        request,
        _("This link does not open a study"),
        why,
        _("If it keeps happening, please ask the person who sent it to you."),
    )
