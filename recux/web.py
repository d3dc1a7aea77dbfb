"""What surrounds the pages: invite links, sign-in and sign-out, the API, security headers.

Streamlit reserves ``/_stcore``, ``/media``, ``/component`` and ``/static``; nothing of ours may start with those.
"""

import gc
import logging
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from sqlalchemy.orm import configure_mappers
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import engine_for, read_session
from db.migrate import upgrade
from recux.access import embedded, http, joining, seen
from recux.access.embedding import embed_origins
from recux.api.app import create_api
from recux.errors import InvalidInput
from recux.observed import Observed, figures
from recux.operate.logs import adopt
from recux.questionnaires import changed_files
from recux.settings import Settings
from recux.shared_report import shared_report

LOG = logging.getLogger("recux.web")
USED_BY_PAGES = (
    "recux.collect",
    "recux.ingest",
    "recux.insight",
    "recux.recommend",
    "recux.rounds.queue",
    "recux.suggest",
    "recux.charts",
    "recux.ui",
)
POLICY = (
    "default-src 'self'; img-src {pictures}; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "script-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors {frames}"
)
TURN = 0.0005
"""Seconds that a thread may compute before another gets its turn (Python: 0.005). A click changes threads several times
and waits a turn of every page that is being built meanwhile."""
YOUNG = 20_000
"""New objects after which the garbage collector looks for garbage (Python: 700). Reading rows makes many that are none,
and a quarter of an import's time went into looking at them."""
HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?")


def security_headers(settings: Settings) -> dict[str, str]:
    """What every answer says about itself: nothing is loaded from elsewhere but pictures from the named hosts, and
    only pages of the named hosts may frame ours.

    Raises InvalidInput when ``image_hosts`` or ``embed_hosts`` holds something that is no host name.
    """
    hosts = [host.strip() for host in settings.image_hosts.split(",") if host.strip()]
    for host in hosts:
        if not HOST.fullmatch(host):
            raise InvalidInput(f"RECUX_IMAGE_HOSTS: {host!r} is not a host name; write names such as img.example.org")
    pictures = " ".join(["'self'", "data:", "blob:", *(f"https://{host}" for host in hosts)])
    return {
        "Content-Security-Policy": POLICY.format(
            pictures=pictures, frames=" ".join(["'self'", *embed_origins(settings)])
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


def routes() -> list[BaseRoute]:
    """Our routes beside Streamlit's; they match first. From here on the access log is free of invite tokens."""
    logging.getLogger("uvicorn.access").addFilter(_names_no_token)
    return [
        Mount("/api", create_api(Settings())),
        Route("/join", joining.arrived),
        Route("/metrics", figures),
        Route("/seen", seen.seen, methods=["POST"]),
        Route("/join/{token}", joining.join, methods=["GET", "POST"]),
        Route("/embed/{token}", embedded.embed),
        Route("/shared/{token}", shared_report),
        Route("/auth/login", http.login, methods=["POST"]),
        Route("/auth/provider", http.provider, methods=["POST"]),
        Route("/auth/oidc", http.oidc, methods=["POST"]),
        Route("/auth/logout", http.logout, methods=["POST"]),
        Route("/auth/leave", http.leave, methods=["POST"]),
    ]


def middleware() -> list[Middleware]:
    """Security headers on every answer; each request counted, timed and numbered."""
    settings = Settings()
    return [
        Middleware(SecurityHeaders, headers=security_headers(settings)),
        Middleware(Observed, settings=settings),
    ]


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Before the first visitor: bring the tables up to date (processes that start together wait for each other), look
    whether a questionnaire was edited under a version that is in use, and load what pages use.
    """
    upgrade(Settings().url)
    with read_session(engine_for(Settings().url)) as session:
        for problem in changed_files(session):
            LOG.error("%s; running studies go on with what they were launched with", problem)
    load_code_of_pages()
    adopt()
    sys.setswitchinterval(TURN)
    yield {}


def load_code_of_pages() -> None:
    """Import once what pages import. Left to the first visitors, their threads would import the same packages at the
    same time from different ends, and Python then hands out half-loaded modules to avoid a deadlock.
    """
    for name in USED_BY_PAGES:
        package = import_module(name)
        for module in iter_modules(getattr(package, "__path__", ()), f"{name}."):
            import_module(module.name)
    configure_mappers()  # or the first visitor waits for it
    gc.collect()
    gc.freeze()  # code and tables stay for good; collections need not go through them while somebody waits
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


class SecurityHeaders:
    """Adds ``headers`` to every HTTP answer. With them, foreign text cannot load anything from elsewhere."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and add the headers when the answer starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _names_no_token(entry: logging.LogRecord) -> bool:
    message = entry.getMessage()
    return not any(place in message for place in ("/join/", "/embed/", "/shared/"))
