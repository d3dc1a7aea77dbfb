"""A worker's place: what it takes rounds from, whether it is leaving, and its patience with the database."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from recux.errors import InvalidInput
from recux.rounds.child import Leaving
from recux.rounds.leases import Lease
from recux.rounds.queue import GPU_QUEUE, QUEUE
from recux.settings import Settings

LOG = logging.getLogger("recux.worker")
OUTAGE_SECONDS = 300.0
"""For the database to come back before a stage counts as failed."""
AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError)
T = TypeVar("T")


@dataclass
class Desk:
    """This worker: its settings, its lease, and whether it is leaving."""

    settings: Settings
    lease: Lease
    leaving: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While a stage runs. A worker that is leaving starts none: the round waits for another."""
        if self.leaving.is_set():
            _wait_for_the_end()
        self.idle.clear()
        try:
            yield
        except Leaving:
            self.idle.set()
            _wait_for_the_end()
        finally:
            self.idle.set()


def queues_of(settings: Settings) -> list[str]:
    """The queues that this machine's worker takes rounds from. Raises InvalidInput for a name that is none."""
    if settings.queues == "auto":
        return [QUEUE, GPU_QUEUE] if Path("/dev/nvidiactl").exists() else [QUEUE]
    names = [name.strip() for name in settings.queues.split(",") if name.strip()]
    for name in names:
        if name not in {QUEUE, GPU_QUEUE}:
            raise InvalidInput(f"RECUX_QUEUES: {name!r} is no queue; there are {QUEUE!r} and {GPU_QUEUE!r}")
    if not names:
        raise InvalidInput(f"RECUX_QUEUES names no queue; write auto, {QUEUE!r} or {GPU_QUEUE!r}")
    return names


def patiently(act: Callable[[], T]) -> T:
    """``act``, again and again while the database is away; whatever it does must be safe to do again."""
    end = time.monotonic() + OUTAGE_SECONDS
    while True:
        try:
            return act()
        except AWAY as error:
            if time.monotonic() > end:
                raise
            LOG.warning("the database is away (%s); trying again", error.orig)
            time.sleep(1.0)


def _wait_for_the_end() -> None:
    """Never return: the main thread ends the process, and nothing that follows here may happen before."""
    threading.Event().wait()
