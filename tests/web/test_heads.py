"""Slow heads of requests, on a real server: who takes too long to say what they want is hung up on, and nobody else."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from recux import heads

LIMIT = 0.4


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


@pytest.fixture
def port(monkeypatch) -> Iterator[int]:
    monkeypatch.setattr(heads, "HEAD_SECONDS", LIMIT)
    app = Starlette(routes=[Route("/", echo, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=heads.Impatient, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def trickled(connection: socket.socket, head: bytes) -> bool:
    """Whether the server hung up while one byte came every tenth of a second."""
    connection.settimeout(0.1)
    for n in range(40):
        try:
            connection.sendall(head[n % len(head) : n % len(head) + 1])
            if connection.recv(100) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def test_a_connection_that_says_nothing_is_closed(port):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        assert connection.recv(1) == b""


def test_a_head_that_trickles_is_hung_up_on_the_second_of_a_connection_too(port):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        assert trickled(connection, b"POST / HTTP/1.1\r\nX-Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: b")
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert trickled(connection, b"POST / HTTP/1.1\r\nX-Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: b")


def test_a_body_may_take_longer_than_a_head(port):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            time.sleep(LIMIT / 4)
            connection.sendall(b"x")
        connection.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: connection.recv(1000), b"")).endswith(b"8 bytes")
