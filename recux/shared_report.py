"""The page behind a read-only link to a report. It needs no sign-in, names nobody, and is kept out of caches."""

import time
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from db.engine import engine_for, read_session, write_session
from db.tables import now
from recux.access import notice
from recux.access.report_links import open_link
from recux.insight import apart, documents
from recux.settings import Settings

FRESH_SECONDS = 60.0
"""How long a page is shown again as it was, so that a shared link cannot be used to keep the database busy."""
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "X-Frame-Options": "DENY"}
_pages: dict[tuple[str, int, str], tuple[float, str]] = {}
_building = Lock()


async def shared_report(request: Request) -> Response:
    """The report in HTML, or a notice that the link opens nothing (any more)."""
    page = await run_in_threadpool(_page, Settings(), request.path_params["token"])
    if page is None:
        _ = notice.translator(request)
        text = _("It may have ended or been closed. Ask whoever gave it to you for a new one.")
        return notice.refuse(request, _("This link does not work"), text, status=404)
    return HTMLResponse(page, headers=HEADERS)


def _page(settings: Settings, token: str) -> str | None:
    engine = engine_for(settings.url)
    with write_session(engine) as session:
        found = open_link(session, token, now())
    if found is None:
        return None
    link, study = found
    key = (settings.url, study.id or 0, link.language)
    with _building:  # one at a time: building a report reads every row of the study
        made, page = _pages.get(key, (0.0, ""))
        if not page or time.monotonic() - made > FRESH_SECONDS:
            with read_session(engine) as session:
                page = apart.read(session, study, documents.for_a_link, link.language)
            _pages[key] = (time.monotonic(), page)
    return page
