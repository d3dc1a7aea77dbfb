"""``recux serve``: one web process, and a worker beside it that is started again when it dies."""

import logging
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from db.migrate import upgrade
from recux.errors import Unavailable
from recux.heads import Impatient
from recux.operate.logs import configure
from recux.settings import Settings

LOG = logging.getLogger("recux.serve")
APP = Path(__file__).parent.parent / "streamlit_app.py"
WORKER = (sys.executable, "-m", "recux.rounds.worker", "--with-parent")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
GRACE = 10.0
"""Seconds that the worker gets to stop by itself."""
LAST_REQUESTS = 8
"""Seconds that requests at work get to end when the server is told to; open pages are told to connect anew at once."""


def serve(settings: Settings, *, worker: bool) -> None:
    """Serve pages and API until interrupted; with ``worker``, run one as a child for as long.

    The settings are handed on through the environment, because pages and worker read theirs from there.
    Raises Unavailable when the pages are not where they belong, or the port is taken.
    """
    os.environ.update(environment(settings))
    configure(settings)
    upgrade(settings.url)  # before the worker starts, which needs the tables
    listener = listen(settings.host, settings.port)
    options: dict[str, Any] = {
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "timeout_graceful_shutdown": LAST_REQUESTS,
        "http": Impatient,
    }
    server = uvicorn.Server(uvicorn.Config(load_app(), **options))
    if not worker:
        server.run(sockets=[listener])
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again at its end, past what follows
    with supervised(WORKER):
        server.run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on, bound before anything is started. Raises Unavailable when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; an answer in two parts waits 40 ms otherwise
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --host or --port"
        ) from None
    return listener


def environment(settings: Settings) -> dict[str, str]:
    """The settings as ``RECUX_*`` variables, resolved so that they mean the same in any folder."""
    values = settings.model_dump() | {"home": settings.home.resolve(), "database_url": settings.url}
    return {f"RECUX_{name.upper()}": str(value) for name, value in values.items()}


def load_app() -> Any:
    """The ASGI application out of ``streamlit_app.py``."""
    if not APP.exists():
        raise Unavailable(f"the pages are not at {APP}; run recux from its source folder, installed with -e")
    return runpy.run_path(str(APP), run_name="streamlit_app")["app"]


@contextmanager
def supervised(command: tuple[str, ...]) -> Iterator[None]:
    """Keep ``command`` running while the block runs: started again when it ends, with longer and longer pauses."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_running, args=(command, stop), name="worker-keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep_running(command: tuple[str, ...], stop: threading.Event) -> None:
    pause = FIRST_PAUSE
    while not stop.is_set():
        started = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.PIPE)  # it ends with us, even when we are killed: by its end
        while child.poll() is None and not stop.wait(0.2):
            pass
        if stop.is_set():
            _end(child)
            return
        if time.monotonic() - started > LONGEST_PAUSE:
            pause = FIRST_PAUSE
        LOG.warning("the worker ended with code %s; starting it again in %.0f s", child.returncode, pause)
        stop.wait(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    assert child.stdin is not None  # it was made with a pipe
    child.stdin.close()
