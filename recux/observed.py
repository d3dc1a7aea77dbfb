"""What is seen of each request: a number for its log lines, its duration, and who may read the figures."""

import asyncio
import hmac
import logging
import re
import time
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import engine_for
from recux.operate import metrics, state
from recux.operate.logs import REQUEST_ID
from recux.settings import Settings

LOG = logging.getLogger("recux.requests")
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
PARTS = (
    *("/api/v1", "/api/health", "/api/ready", "/auth", "/embed", "/join", "/seen", "/metrics"),
    *("/_stcore", "/static", "/media", "/component"),
)
FIGURES = ("/metrics", "/_stcore/metrics")
QUIET = {"/api/health", "/api/ready", "/metrics", "/_stcore", "/static"}
"""Asked all the time by machines; their requests are counted, and logged only when they fail."""
FORMS = {"/auth", "/join", "/seen"}
FORM_SECONDS = 30.0
LOCAL = {"127.0.0.1", "::1"}


class Observed:
    """Gives each request an id (or keeps the caller's ``X-Request-ID``), times it, and guards the figures."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        if scope["type"] == "websocket":
            await self._page(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        REQUEST_ID.set(uuid4().hex)
        with metrics.VISITS.track_inprogress():
            await self.app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if SANE_ID.fullmatch(given) else uuid4().hex
        REQUEST_ID.set(request_id)
        began, status = time.perf_counter(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            if scope["path"] in FIGURES and not may_read_figures(Request(scope), self.settings):
                await refused()(scope, receive, note)
            else:
                await self._within_time(scope, receive, note)
        finally:
            _note(scope, status, time.perf_counter() - began)

    async def _within_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forms have a time limit, so that one that trickles in holds nothing for long; other bodies have their own."""
        if area(scope["path"]) not in FORMS:
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(FORM_SECONDS):
                await self.app(scope, receive, send)
        except TimeoutError:
            await PlainTextResponse("The form took too long to arrive.\n", 408)(scope, receive, send)


def may_read_figures(request: Request, settings: Settings) -> bool:
    """Whether the caller sent the token; without one set, whether they are on this machine and no proxy is between."""
    if settings.metrics_token:
        sent = request.headers.get("authorization", "")
        return hmac.compare_digest(sent.encode(), f"Bearer {settings.metrics_token}".encode())
    direct = "x-forwarded-for" not in request.headers and "forwarded" not in request.headers
    return direct and request.client is not None and request.client.host in LOCAL


def refused() -> Response:
    """What anybody else gets."""
    return PlainTextResponse("The figures are for the operator: set RECUX_METRICS_TOKEN and send it.\n", 403)


async def figures(_request: Request) -> Response:
    """``/metrics``."""
    content = await run_in_threadpool(lambda: state.text(engine_for(Settings().url)))
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")


def area(path: str) -> str:
    """Which part of the service a path belongs to, of a few: never a token, an id, or what a stranger made up."""
    return next((known for known in PARTS if path == known or path.startswith(f"{known}/")), "page")


def _note(scope: Scope, status: int, seconds: float) -> None:
    where = area(scope["path"])
    method = scope["method"] if scope["method"] in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} else "other"
    metrics.HTTP.labels(where, method, str(status)).observe(seconds)
    if where not in QUIET or status >= 500:
        fields = {"area": where, "method": method, "status": status, "ms": round(seconds * 1000, 1)}
        LOG.info("%s %s %s", method, where, status, extra={"fields": fields})
