"""Who calls, may they, and not too often: decided before a byte of the body is read."""

import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

import sqlalchemy as sa
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from db.engine import engine_for, read_session, write_session
from recux.access.keys import Grant, grant_of, has_expired, note_use
from recux.access.tokens import token_hash
from recux.api.bodies import SMALL, StrictRequest, bounded, refuse_large
from recux.api.problems import Refusal, documented
from recux.settings import Settings

FRESH_SECONDS = 5.0
"""A key is looked up again after this long, so that a revoked one stops working."""
USE_SECONDS = 60.0
MOST_REMEMBERED = 10_000


class Buckets:
    """Token buckets in this process's memory: ``per_minute`` a minute, a tenth of that (at least 10) at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._filled: OrderedDict[Any, tuple[float, float]] = OrderedDict()

    def wait(self, who: Any, per_minute: int, cost: float = 1.0) -> float:
        """Seconds until ``who`` may go on; 0 when they may now, and then ``cost`` is taken."""
        moment, rate = self._clock(), per_minute / 60
        size = max(10.0, per_minute / 10, cost)
        left, since = self._filled.pop(who, (size, moment))
        left = min(size, left + (moment - since) * rate)
        allowed = left >= cost
        self._filled[who] = (left - cost if allowed else left, moment)
        while len(self._filled) > MOST_REMEMBERED:
            self._filled.popitem(last=False)  # who was not seen for longest has a full bucket again
        return 0.0 if allowed else (cost - left) / rate


class Doorkeeper:
    """Knows keys for a few seconds, and how often each was used. One for each process."""

    def __init__(self, settings: Settings) -> None:
        self.engine: sa.Engine = engine_for(settings.url)
        self.buckets = Buckets()
        self._known: OrderedDict[str, tuple[float, Grant | None]] = OrderedDict()
        self._noted: dict[int, float] = {}

    async def grant(self, secret: str) -> Grant | None:
        """What the key opens; looked up at most every :data:`FRESH_SECONDS`."""
        digest, moment = token_hash(secret), time.monotonic()
        at, grant = self._known.get(digest, (-FRESH_SECONDS, None))
        if moment - at >= FRESH_SECONDS:
            grant = await run_in_threadpool(self._look_up, secret)
            self._known[digest] = (moment, grant)
            self._known.move_to_end(digest)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return None if grant is None or has_expired(grant) else grant

    def _look_up(self, secret: str) -> Grant | None:
        with read_session(self.engine) as session:
            grant = grant_of(session, secret)
        if grant is not None and time.monotonic() - self._noted.get(grant.key_id, -USE_SECONDS) >= USE_SECONDS:
            self._noted[grant.key_id] = time.monotonic()
            with write_session(self.engine) as session:
                note_use(session, grant.key_id)
        return grant


def needs(scope: str, *failures: int, largest: int = SMALL) -> dict[str, Any]:
    """What a route says of itself so that :class:`KeyedRoute` lets only keys with ``scope`` in.

    ``failures`` are statuses to document beside the usual ones; ``largest`` is the limit of the body in bytes.
    """
    return {
        "openapi_extra": {"security": [{"key": [scope]}], "x-largest-body": largest},
        "responses": documented(400, 401, 403, 404, 408, 413, 422, 429, 503, *failures),
    }


class KeyedRoute(APIRoute):
    """A route that asks for a key with the scope that it documents, and bounds the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Check key, scope, study and rate, then go on with a strict, bounded request."""
        go_on = super().get_route_handler()
        extra = self.openapi_extra or {}
        scope = extra["security"][0]["key"][0] if extra.get("security") else None
        largest = int(extra.get("x-largest-body", SMALL))

        async def handle(request: Request) -> Response:
            if scope is not None:
                await _admit(request, scope)
            refuse_large(_announced(request), largest)
            return await go_on(StrictRequest(request.scope, bounded(request.receive, largest)))

        return handle


async def _admit(request: Request, scope: str) -> None:
    if hasattr(request.state, "grant"):
        return  # the quick lane has asked already
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    grant = await doorkeeper.grant(secret.strip()) if kind.lower() == "bearer" else None
    if grant is None:
        words = "send `Authorization: Bearer rx_...` with a key that is neither revoked nor expired"
        raise Refusal(401, words, headers={"WWW-Authenticate": "Bearer"})
    wait = doorkeeper.buckets.wait(grant.key_id, grant.per_minute)
    if wait:
        words = f"this key may send {grant.per_minute} requests a minute to this process; wait {wait:.1f} s"
        raise Refusal(429, words, headers={"Retry-After": str(int(wait) + 1)})
    if scope not in grant.scopes:
        raise Refusal(403, f"this key lacks the scope {scope!r}; it has {', '.join(sorted(grant.scopes))}")
    study = request.path_params.get("study")
    if study is not None and grant.study_slug not in {None, study}:
        raise Refusal(403, f"this key is for the study {grant.study_slug!r} alone")
    request.state.grant = grant


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0
