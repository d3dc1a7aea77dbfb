"""The quick lane: single ratings, which come in greatest number, past what a request of any kind needs.

Ratings that are there at the same moment share one transaction, so that they share one commit. What is not the plain
case (a failure, an Idempotency-Key, a new person, anything doubtful) goes on to the ordinary routes, which decide about
it and say why; nothing of it was written then. An answer goes out after the commit, never before.
"""

import asyncio
import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from anyio import CapacityLimiter, to_thread
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import is_sqlite
from recux.api.admission import Doorkeeper
from recux.api.bodies import SMALL, bounded, strict_json
from recux.api.imports import document_of
from recux.api.problems import Refusal, problem
from recux.api.shapes import RatingTaken
from recux.errors import RecuxError
from recux.ingest import ImportResult
from recux.ingest.keys import rating_key
from recux.ingest.single import Given, Kept, read_rating, write_together
from recux.operate import metrics
from recux.plain_text import clean

LOG = logging.getLogger("recux.api")
MOST = 64
"""Ratings in one transaction."""
LOCK_WAIT = "2s"
"""How long a group waits for a row of somebody else's; then each of its ratings goes the ordinary way."""
INGEST = re.compile(r"/studies/([a-z0-9_-]{1,64})/import/ratings")
COLLECT = re.compile(r"/studies/([a-z0-9_-]{1,64})/participants/([^/\x00-\x1f\x7f\uFFFD]{1,255})/ratings")
SPECIAL = {b"idempotency-key", b"content-encoding", b"transfer-encoding", b"expect"}
"""With one of these headers a request is no plain case."""


class Waiting(NamedTuple):
    """A rating that waits for the next transaction."""

    given: Given
    by_themselves: bool
    done: "asyncio.Future[Kept | None]"


class Writer:
    """Writes what waits, a group at a time: while one is written, the next one gathers."""

    def __init__(self, engine: Engine, limiter: CapacityLimiter) -> None:
        self._engine, self._limiter = engine, limiter
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, given: Given, *, by_themselves: bool) -> Kept | None:
        """What became of the rating, once it is committed; None when it must go the ordinary way, unwritten."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Kept | None] = loop.create_future()
        self._waiting.append(Waiting(given, by_themselves, done))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._write_all())
        return await done

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            kept: list[Kept | None] = [None] * len(group)
            try:
                kept = await to_thread.run_sync(self._transaction, group, limiter=self._limiter)
            except Exception:
                LOG.exception("%d ratings go the ordinary way", len(group))
            finally:
                for one, what in zip(group, kept, strict=True):
                    if not one.done.done():
                        one.done.set_result(what)

    def _transaction(self, group: list[Waiting]) -> list[Kept | None]:
        lanes: dict[bool, list[int]] = defaultdict(list)
        for place, one in enumerate(group):
            lanes[one.by_themselves].append(place)
        found: dict[int, Kept | None] = {}
        try:
            with self._engine.begin() as connection:
                if not is_sqlite(connection):
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                for by_themselves, places in lanes.items():
                    given = [group[place].given for place in places]
                    kept = write_together(connection, given, by_themselves=by_themselves)
                    found.update(zip(places, kept, strict=True))
        except (SQLAlchemyError, UnicodeError) as error:  # rolled back
            LOG.info("%d ratings go the ordinary way: %s", len(group), type(error).__name__)
            return [None] * len(group)
        return [found[place] for place in range(len(group))]


class QuickLane:
    """In front of the API: answers plain single ratings itself and passes everything else on."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper, limiter: CapacityLimiter) -> None:
        self.app = app
        self._doorkeeper = doorkeeper
        self._writer = Writer(doorkeeper.engine, limiter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the call on as it came."""
        place = _place(scope)
        if place is None or not await self._admitted(scope, place):
            await self.app(scope, receive, send)
            return
        parts: list[Message] = []
        try:
            body = await _body(receive, parts)
        except Refusal as refusal:
            await problem(refusal.status_code, refusal.detail, headers=refusal.headers)(scope, receive, send)
            return
        answer = None if body is None else await self._kept(place, body)
        if answer is None:
            await self.app(scope, _again(parts, receive), send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _admitted(self, scope: Scope, place: "re.Match[str]") -> bool:
        """Whether the key opens this; the ordinary route then need not ask again. It says what is wrong otherwise."""
        kind, _, secret = _headers(scope).get(b"authorization", b"").decode("latin-1").partition(" ")
        try:
            grant = await self._doorkeeper.grant(secret.strip()) if kind.lower() == "bearer" else None
        except SQLAlchemyError:  # the database is away; the ordinary route finds so too, and answers for it
            return False
        scope_name = "ingest" if place.re is INGEST else "collect"
        if grant is None or scope_name not in grant.scopes or grant.study_slug not in {None, place[1]}:
            return False
        if self._doorkeeper.buckets.wait(grant.key_id, grant.per_minute):
            return False
        scope.setdefault("state", {})["grant"] = grant
        return True

    async def _kept(self, place: "re.Match[str]", body: bytes) -> bytes | None:
        """The answer once the rating is kept; None when it has to go the ordinary way."""
        try:
            found = strict_json(body)
            given = _imported(place, found) if place.re is INGEST else _said(place, found)
        except (RecuxError, Refusal, ValidationError, ValueError):
            return None
        if given is None:
            return None
        if place.re is INGEST:
            kept = await self._writer.write(given, by_themselves=False)
            return None if kept is None else _counted(kept.result)
        began = time.perf_counter()
        kept = await self._writer.write(given, by_themselves=True)
        if kept is None:
            return None
        metrics.saved("rating", time.perf_counter() - began)
        return _as_kept(given, kept)


def _place(scope: Scope) -> "re.Match[str] | None":
    """Study and person, when this is a single rating without anything special about it."""
    if scope["type"] != "http" or scope["query_string"] or scope["method"] not in {"POST", "PUT"}:
        return None
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    place = (INGEST if scope["method"] == "POST" else COLLECT).fullmatch(path)
    headers = _headers(scope)
    if place is None or SPECIAL & headers.keys() or headers.get(b"content-type") != b"application/json":
        return None
    length = headers.get(b"content-length", b"")
    return place if length.isdigit() and int(length) <= SMALL else None


def _headers(scope: Scope) -> Mapping[bytes, bytes]:
    return dict(scope["headers"])


async def _body(receive: Receive, parts: list[Message]) -> bytes | None:
    """The body; None when the client has gone. Raises Refusal (408, 413)."""
    within = bounded(receive, SMALL)
    while not parts or parts[-1].get("more_body"):
        parts.append(await within())
    if parts[-1]["type"] != "http.request":
        return None
    return b"".join(part.get("body", b"") for part in parts)


def _again(parts: list[Message], receive: Receive) -> Receive:
    """What was received, once more, and then what follows."""
    left = iter(parts)

    async def next_part() -> Message:
        part = next(left, None)
        return await receive() if part is None else part

    return next_part


def _imported(place: "re.Match[str]", found: Any) -> Given | None:
    return read_rating(place[1], found) if isinstance(found, dict) and found else None


def _said(place: "re.Match[str]", found: Any) -> Given:
    taken = RatingTaken.model_validate(found)
    key = rating_key(place[2], taken.item_id, taken.slate_id, None)
    opinion = {"rating": float(taken.rating), "comment": clean(taken.comment)}
    return Given(place[1], place[2], taken.item_id, taken.slate_id, key, opinion, None)


@lru_cache(maxsize=4)
def _counted(result: ImportResult) -> bytes:
    return _json(document_of(result))


def _as_kept(given: Given, kept: Kept) -> bytes:
    rated_at = kept.rated_at.isoformat() if kept.rated_at else None
    said = {"rating": kept.rating, "comment": kept.comment, "rated_at": rated_at}
    return _json({"slate_id": given.slate, "item_id": given.item, **said})


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
