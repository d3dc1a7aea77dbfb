"""Where the browser reports what was before the person's eyes: small, and beside the page, so that no click waits."""

import json
import math
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from db.engine import AWAY, engine_for, write_session
from db.tables import Participant
from recux.access.http import PARTICIPANT_COOKIE, from_our_pages
from recux.access.sessions import owner_of
from recux.collect.views import record_views
from recux.settings import Settings

MOST_BYTES = 16_384
MOST_ITEMS = 100
LONGEST_MS = 600_000.0
"""Ten minutes: a browser reports every twenty seconds, so more at once was not measured."""


async def seen(request: Request) -> Response:
    """Add the reported times to the person's views. Nobody waits for the answer, whatever it is."""
    settings = Settings()
    if not from_our_pages(request, settings):
        return Response(status_code=403)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return Response(status_code=413)
    reported = times_in(body)
    if reported:
        try:
            await run_in_threadpool(_record, settings, request.cookies.get(PARTICIPANT_COOKIE, ""), reported)
        except AWAY:
            return Response(status_code=503)
    return Response(status_code=204)


def times_in(body: bytes) -> dict[int, float]:
    """Impression id -> milliseconds, of a report ``{"seen": {"17": 2300}}``; whatever is not that is left out."""
    try:
        report: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    entries = report.get("seen") if isinstance(report, dict) else None
    if not isinstance(entries, dict) or len(entries) > MOST_ITEMS:
        return {}
    numbers = {key: value for key, value in entries.items() if _is_id(key) and _is_time(value)}
    return {int(key): float(value) for key, value in numbers.items()}


def _record(settings: Settings, cookie: str, reported: dict[int, float]) -> None:
    with write_session(engine_for(settings.url)) as session:
        participant = owner_of(session, cookie) if cookie else None
        if isinstance(participant, Participant):
            record_views(session, participant, reported)


def _is_id(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) <= 9


def _is_time(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (0 <= value <= LONGEST_MS)
    )
