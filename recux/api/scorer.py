"""Predictions in a process of their own: the web process loads no model, and a slow one is given up.

The process starts with the first question, keeps its models loaded, and ends ten minutes after the last question, or
when the web process ends. Question and answer are one line of JSON each.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from typing import Any

from recux import errors
from recux.errors import RecuxError, Unavailable
from recux.settings import Settings

COMMAND = (sys.executable, "-m", "recux.api.scoring")
SECONDS = 60.0
"""Longest wait for an answer, the first start included."""


class Scorer:
    """Asks the scoring process, one question at a time."""

    def __init__(self, settings: Settings, *, command: tuple[str, ...] = COMMAND, seconds: float = SECONDS) -> None:
        self._environment = {"RECUX_HOME": str(settings.home.resolve()), "RECUX_DATABASE_URL": settings.url}
        self._command, self._seconds = command, seconds
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows that answer ``question``.

        Raises the error that the scoring process met; Unavailable when it has no answer in time.
        """
        deadline = time.monotonic() + self._seconds
        if not self._turn.acquire(timeout=self._seconds):
            raise Unavailable("the models are busy; try again in a few seconds")
        try:
            reply = json.loads(self._exchange(json.dumps(question).encode() + b"\n", deadline))
        finally:
            self._turn.release()
        if "rows" in reply:
            rows: list[dict[str, Any]] = reply["rows"]
            return rows
        kind = getattr(errors, str(reply["error"]), RecuxError)
        raise kind(reply["message"])

    def close(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def _exchange(self, line: bytes, deadline: float) -> bytes:
        child = self._running()
        assert child.stdin is not None and child.stdout is not None  # noqa: PT018 - both are pipes
        try:
            child.stdin.write(line)
            child.stdin.flush()
            answer = _line(child.stdout.fileno(), deadline)
        except OSError:
            answer = b""
        if answer.endswith(b"\n"):
            return answer
        gone = child.poll() is not None
        self.close()
        raise Unavailable(
            "the scoring process ended; the server's log says why"
            if gone
            else f"no prediction within {self._seconds:.0f} s; ask for fewer at once, or try again"
        )

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is not None:
            self.close()
        if self._child is None:
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | self._environment
            )
        return self._child


def _line(handle: int, deadline: float) -> bytes:
    """One line, or what there is of it when the deadline passes or the other side ends."""
    found = b""
    while not found.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([handle], [], [], left)[0]:
            break
        part = os.read(handle, 1 << 16)
        if not part:
            break
        found += part
    return found
