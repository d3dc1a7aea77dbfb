"""What clients send, under limits: how much, how slowly, how deep, and only JSON that means one thing."""

import asyncio
import json
import time
from typing import Any

from starlette.requests import Request
from starlette.types import Message, Receive

from recux.api.problems import Refusal

SMALL = 1 << 20
"""Bytes of a JSON body that is read into memory as one."""
DEEPEST = 40
"""Levels of lists and objects."""
IDLE_SECONDS = 15.0
"""Without a byte for so long, a body is given up."""
GRACE_SECONDS = 20.0
SLOWEST = 16_384
"""Bytes a second that a body must make on average once :data:`GRACE_SECONDS` are over."""


class StrictRequest(Request):
    """A request whose body is bounded in size and time, and whose JSON is strict."""

    largest: int = SMALL

    async def json(self) -> Any:
        """The body as JSON. Raises Refusal: 400 for what is not UTF-8, ambiguous, not a number, or too deep; 415."""
        if not hasattr(self, "_json"):
            refuse_packed(self)
            self._json = strict_json(await self.body())
        return self._json


def strict_json(body: bytes) -> Any:
    """JSON as RFC 8259 has it, in UTF-8, no name twice in an object, at most 40 levels. Raises Refusal (400)."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the body is not UTF-8 (byte {error.start}); send JSON in UTF-8") from None
    try:
        found = json.loads(text, object_pairs_hook=one_meaning, parse_constant=_no_number)
    except RecursionError:
        raise Refusal(400, f"the JSON is deeper than {DEEPEST} levels") from None
    except ValueError as error:
        raise Refusal(400, f"the body is not JSON: {error}") from None
    if too_deep(found):
        raise Refusal(400, f"the JSON is deeper than {DEEPEST} levels")
    return found


def one_meaning(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object from its members. Raises ValueError when a name is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:80]!r} is there twice in one object")
    return found


def too_deep(document: Any, deepest: int = DEEPEST) -> bool:
    """Whether lists and objects are nested more than ``deepest`` levels."""
    level = [document]
    for _ in range(deepest):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def bounded(receive: Receive, largest: int) -> Receive:
    """``receive`` that gives up on a body that is too large (413) or too slow (408)."""
    started = time.monotonic()
    read = 0

    async def next_part() -> Message:
        nonlocal read
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise Refusal(408, f"no byte came for {IDLE_SECONDS:.0f} s", headers={"Connection": "close"}) from None
        read += len(message.get("body", b""))
        refuse_large(read, largest)
        seconds = time.monotonic() - started
        if message.get("more_body") and seconds > GRACE_SECONDS and read < SLOWEST * seconds:
            words = f"after {seconds:.0f} s only {read} bytes have come; send at least {SLOWEST // 1024} KB a second"
            raise Refusal(408, words, headers={"Connection": "close"})
        return message

    return next_part


def refuse_packed(request: Request) -> None:
    """Raise Refusal (415) when the body comes with a Content-Encoding, where only files may."""
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in {"", "identity"}:
        raise Refusal(415, f"JSON is not taken as {packed[:40]}; leave Content-Encoding out, or send a file to import")


def refuse_large(size: int, largest: int) -> None:
    """Raise Refusal (413) when ``size`` bytes are more than ``largest``; the connection is then closed."""
    if size > largest:
        limit = f"{largest // 1024:,} KB" if largest < 10 * SMALL else f"{largest // SMALL:,} MB"
        raise Refusal(413, f"the body is larger than {limit}; send it in parts", headers={"Connection": "close"})


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
