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
SECRETS_OF_CLOUDS = frozenset(
    map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))
)
"""Beside link-local addresses: where cloud machines are told their own keys (Alibaba, Azure, Oracle, AWS)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back, or what went wrong."""

    status: int | None = None
    body: bytes = b""
    problem: str = ""
    timed_out: bool = False


def exchange(
    method: str, url: str, headers: dict[str, str], body: bytes | None, seconds: float, *, inside: bool = True
) -> Exchange:
    """Send one request and read its answer within ``seconds``, from the name lookup to the last byte.

    Nothing is sent to a private address unless ``inside``, nor to one where clouds keep secrets. Never raises for what
    the network or the other side does. The exchange runs in a thread of its own, because a socket's timeout starts anew
    with every byte and a name lookup has none: at the deadline it is cut off.
    """
    connection = _connection(url, seconds)
    done: list[Exchange] = []
    thread = Thread(
        target=lambda: done.append(_exchange(connection, method, url, headers, body, inside=inside)), daemon=True
    )
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
    connection: http.client.HTTPConnection,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes | None,
    *,
    inside: bool,
) -> Exchange:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    status: int | None = None
    try:
        with closing(connection):
            connection.connect()
            _refuse(_peer(connection), inside)
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


def _peer(connection: http.client.HTTPConnection) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that was connected to, whatever name or spelling led there."""
    peer = ipaddress.ip_address(connection.sock.getpeername()[0].split("%")[0])
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return mapped or peer


def _refuse(peer: ipaddress.IPv4Address | ipaddress.IPv6Address, inside: bool) -> None:
    if peer.is_link_local or peer.is_multicast or peer in SECRETS_OF_CLOUDS:
        raise OSError(f"addresses like {peer} are not called")
    if not (inside or peer.is_global):
        raise OSError(
            f"the host's name leads to the private address {peer}; if it may, name it in RECUX_RECOMMENDER_HOSTS"
        )


def _cut(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError):  # it may never have been connected, or be closed by now
        if isinstance(connection.sock, socket.socket):
            connection.sock.shutdown(socket.SHUT_RDWR)
