"""Answers that may be asked for again: the same ``Idempotency-Key`` with the same request gets the same answer.

The answer is stored in the transaction that does the work, so that either both are there or neither. A second request
with the key waits for the first. Failures are not stored: nothing was written, and what was wrong may be mended.
"""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from fastapi import Request
from sqlmodel import Session, col
from starlette.responses import Response

from db.engine import insert_if_new, write_session
from db.tables import ApiReply, now
from recux.access.keys import Grant
from recux.api.problems import Refusal

KEPT = timedelta(hours=24)
SWEEP_SECONDS = 3600.0
TRIES = 3


class Reply(NamedTuple):
    """What a request is answered with."""

    document: Any
    """Ready for JSON."""
    status: int = 200
    participant_id: int | None = None
    """Whom it is about; a stored reply is erased with them."""


def answer(request: Request, work: Callable[[Session], Reply], *, body_hash: str = "") -> Response:
    """Do ``work`` in one transaction and answer with its reply, or with the stored one when the key was used before.

    ``body_hash`` is what the body hashes to. Work that loses a race against an equal write is done again. Raises
    Refusal: 400 for a key that is none, 422 for one that came with another request before.
    """
    key = _key(request)
    engine = request.app.state.doorkeeper.engine
    for left in reversed(range(TRIES)):
        try:
            with write_session(engine) as session:
                if key is None:
                    return as_json(work(session))
                return _once(request, session, key, body_hash, work)
        except sa.exc.IntegrityError:
            if not left:
                raise Refusal(409, "others write the same at this moment; try again") from None
    raise AssertionError("unreachable: the last try returns or raises")


def as_json(reply: Reply, **headers: str) -> Response:
    """The reply as it goes out."""
    return _response(_dumped(reply.document), reply.status, headers)


def hashed(body: bytes) -> str:
    """SHA-256 of a body."""
    return hashlib.sha256(body).hexdigest()


def _once(request: Request, session: Session, key: str, body_hash: str, work: Callable[[Session], Reply]) -> Response:
    grant: Grant = request.state.grant
    digest = _digest(request, body_hash)
    place = {"api_key_id": grant.key_id, "idempotency_key": key}
    mine = {**place, "request_hash": digest, "status": 0, "body": "", "participant_id": None, "created_at": now()}
    _sweep(request, session)
    if not insert_if_new(session, ApiReply, mine, key=list(place)):
        return _again(session.get_one(ApiReply, tuple(place.values())), digest)
    reply = work(session)
    body = _dumped(reply.document)
    this = sa.update(ApiReply).where(*(getattr(ApiReply, name) == value for name, value in place.items()))
    session.exec(this.values(status=reply.status, body=body, participant_id=reply.participant_id))
    return _response(body, reply.status, {})


def _again(stored: ApiReply, digest: str) -> Response:
    if stored.request_hash != digest:
        raise Refusal(422, "this Idempotency-Key came with another request before; take a new one for a new request")
    return _response(stored.body, stored.status, {"Idempotent-Replayed": "true"})


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Refusal(400, "Idempotency-Key must be 1 to 255 printable ASCII characters, such as a UUID")
    return key


def _digest(request: Request, body_hash: str) -> str:
    parts = (request.method, request.url.path, request.url.query, request.headers.get("content-type", ""), body_hash)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _sweep(request: Request, session: Session) -> None:
    """Once an hour, forget replies that are older than a day."""
    state = request.app.state
    if time.monotonic() - getattr(state, "swept", -SWEEP_SECONDS) >= SWEEP_SECONDS:
        state.swept = time.monotonic()
        session.exec(sa.delete(ApiReply).where(col(ApiReply.created_at) < now() - KEPT))


def _dumped(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _response(body: str, status: int, headers: dict[str, str]) -> Response:
    return Response(body, status, headers, media_type="application/json")
