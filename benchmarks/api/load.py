"""A client that costs little: a few kept connections, each sending its next request when the answer is there."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple


class Measured(NamedTuple):
    """What a run of requests made of a server."""

    per_second: float
    p50_ms: float
    p95_ms: float
    failed: int


Ask = Callable[[int], bytes]
"""The number of a request -> its bytes, head and body."""


def drive(port: int, ask: Ask, *, seconds: float, connections: int = 8) -> Measured:
    """Send requests for ``seconds``, the first fifth of which is not counted."""
    return asyncio.run(_drive(port, ask, seconds, connections))


def request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """An HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _drive(port: int, ask: Ask, seconds: float, connections: int) -> Measured:
    took: list[float] = []
    failed = 0
    start = time.perf_counter()
    counted_from, end = start + seconds / 5, start + seconds
    number = iter(range(1 << 60))

    async def one() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (asked := time.perf_counter()) < end:
            writer.write(ask(next(number)))
            status = await _answer(reader)
            done = time.perf_counter()
            failed += status >= 300
            if asked >= counted_from and status < 300:
                took.append(done - asked)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    took.sort()
    rate = len(took) / (time.perf_counter() - counted_from)
    return Measured(rate, took[len(took) // 2] * 1000, took[len(took) * 95 // 100] * 1000, failed)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(head[9:12])
