"""The proxy's file, with a real nginx before two servers that hold websockets open."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from benchmarks.load.__main__ import proxy_file
from tests.e2e.server import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PEOPLE = 20

pytestmark = pytest.mark.skipif(NGINX is None and "CI" not in os.environ, reason="no nginx is installed here")


@contextmanager
def web(port: int) -> Iterator[None]:
    """A server that says its port to whoever connects and then holds the line, as an open page does."""

    def hold(line: ServerConnection) -> None:
        line.send(str(port))
        for _ in line:
            pass

    with serve(hold, "127.0.0.1", port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield


@contextmanager
def proxy(folder: Path, webs: list[int]) -> Iterator[int]:
    """nginx with the deployed file; its port."""
    assert NGINX, "nginx must be installed where CI is set"
    port = free_port()
    file = proxy_file(folder, port, [f"127.0.0.1:{web}" for web in webs])
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def browser(port: int, number: int) -> ClientConnection:
    """One open page of a person with an address of their own."""
    return connect(f"ws://127.0.0.1:{port}/_stcore/stream", source_address=(f"127.0.{number}.1", 0), proxy=None)


def homes(port: int) -> dict[int, str]:
    """The server that each person is sent to."""
    with ExitStack() as lines:
        return {n: str(lines.enter_context(browser(port, n)).recv(5)) for n in range(1, PEOPLE + 1)}


def wait_for(port: int) -> None:
    """Until nginx itself answers, whatever it says."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            browser(port, 1).close()
            return
        except InvalidStatus:
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("nginx does not answer")


def test_a_person_stays_with_one_server_and_goes_to_the_other_while_it_is_away(tmp_path: Path) -> None:
    one, two = free_port(), free_port()
    with proxy(tmp_path, [one, two]) as port, web(two):
        with web(one):
            wait_for(port)
            before = homes(port)
            assert set(before.values()) == {str(one), str(two)}
            assert homes(port) == before
        assert set(homes(port).values()) == {str(two)}
        with web(one):
            assert homes(port) == before


def test_when_both_servers_died_everybody_is_let_in_as_soon_as_they_are_back(tmp_path: Path) -> None:
    """A server that is held to be dead after one failure would be proved alive only when a websocket ends."""
    one, two = free_port(), free_port()
    with proxy(tmp_path, [one, two]) as port:
        with web(one), web(two):
            wait_for(port)
        for number in range(1, PEOPLE + 1):
            with pytest.raises(InvalidStatus, match="502"):
                browser(port, number)
        with web(one), web(two), ExitStack() as lines:
            for number in range(1, PEOPLE + 1):
                lines.enter_context(browser(port, number)).recv(5)
