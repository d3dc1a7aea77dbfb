"""One HTTP exchange with a deadline, a size limit and no redirects."""

import http.client
import ipaddress
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Thread
from urllib.parse import urlsplit

LARGEST = 1 << 20
"""Bytes read of an answer; a longer one is refused."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back, or what went wrong."""

    status: int | None = None
    body: bytes = b""
    problem: str = ""
    timed_out: bool = False


def exchange(method: str, url: str, headers: dict[str, str], body: bytes | None, seconds: float) -> Exchange:
    """Send one request and read its answer within ``seconds``, from the name lookup to the last byte.

    Never raises for what the network or the other side does. The exchange runs in a thread of its own, because a
    socket's timeout starts anew with every byte and a name lookup has none: at the deadline it is cut off.
    """
    connection = _connection(url, seconds)
    done: list[Exchange] = []
    thread = Thread(target=lambda: done.append(_exchange(connection, method, url, headers, body)), daemon=True)
    thread.start()
    thread.join(seconds)
    if not done:
        _cut(connection)
        return Exchange(problem=f"no complete answer within {seconds * 1000:.0f} ms", timed_out=True)
    return done[0]


def _connection(url: str, seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=seconds)


def _exchange(
    connection: http.client.HTTPConnection, method: str, url: str, headers: dict[str, str], body: bytes | None
) -> Exchange:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    status: int | None = None
    try:
        with closing(connection):
            connection.connect()
            _refuse_local_link(connection)
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            status = response.status
            answer = response.read(LARGEST + 1)
    except TimeoutError as error:
        return Exchange(status, problem=str(error), timed_out=True)
    except ValueError as error:  # a header that cannot be sent: the words hold its value, which may be a secret
        return Exchange(status, problem=f"{type(error).__name__}: the request cannot be sent")
    except (OSError, http.client.HTTPException) as error:
        return Exchange(status, problem=f"{type(error).__name__}: {error}")
    if len(answer) > LARGEST:
        return Exchange(status, problem=f"the answer is longer than {LARGEST} bytes")
    return Exchange(status, answer)


def _refuse_local_link(connection: http.client.HTTPConnection) -> None:
    """Link-local addresses are where cloud machines keep their own secrets; no recommender lives there."""
    peer = ipaddress.ip_address(connection.sock.getpeername()[0].split("%")[0])
    if peer.is_link_local or peer.is_multicast:
        raise OSError(f"addresses like {peer} are not called")


def _cut(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError):  # it may never have been connected, or be closed by now
        if isinstance(connection.sock, socket.socket):
            connection.sock.shutdown(socket.SHUT_RDWR)
