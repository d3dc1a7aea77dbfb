"""Training in a process of its own: it can be cancelled, it dies with its parent, and its memory goes with it."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from recux.errors import RecuxError
from recux.learn.files import read_json

POLL_SECONDS = 0.5
GRACE_SECONDS = 10.0


class Cancelled(RecuxError):
    """Somebody asked the round to stop."""


class Leaving(RecuxError):
    """This process is about to end; the round stays as it is, for another to go on with."""


class TrainingFailed(RecuxError):
    """The training process ended without a result."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        """Name of the error inside the training process; empty when it was not one of ours."""


def train_in_child(
    job: Path,
    *,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
    deadline: Callable[[], float | None] = lambda: None,
) -> None:
    """Run ``recux.learn.run`` on a job folder to its end, passing on its progress.

    The child's standard input is a pipe that we hold: when this process dies, however it dies, the child reads its
    end and exits. Where there is a ``deadline`` (on ``recux.rounds.leases.clock``), each new one is written to the
    pipe, and the child also exits when the last that it heard of has passed: it cannot outlive the worker's lease.
    Raises ``Cancelled`` when ``should_stop`` says so, ``TrainingFailed`` with the child's own one-line message
    otherwise.
    """
    with (job / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "recux.learn.run", str(job)], stdin=subprocess.PIPE, stdout=log, stderr=log
        )
        try:
            _watch(child, job, report, should_stop, deadline)
        finally:
            _end(child)
    if child.returncode != 0:
        raise _failure(job, child.returncode)


def _watch(
    child: "subprocess.Popen[bytes]",
    job: Path,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
    deadline: Callable[[], float | None],
) -> None:
    seen: dict[str, Any] = {}
    until: float | None = None
    while child.poll() is None:
        if (newest := deadline()) != until:
            until = newest
            _prolong(child, until)
        if should_stop():
            raise Cancelled("the round was cancelled")
        progress = _progress(job)
        if progress and progress != seen:
            seen = progress
            report(progress)
        time.sleep(POLL_SECONDS)


def _prolong(child: "subprocess.Popen[bytes]", until: float | None) -> None:
    assert child.stdin is not None  # it was made with a pipe
    with suppress(BrokenPipeError):  # it has just ended, which the caller finds out next
        child.stdin.write(f"{until or ''}\n".encode())
        child.stdin.flush()


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Stop the child if it still runs: first its input ends, then it is killed."""
    if child.stdin is not None:
        with suppress(BrokenPipeError):
            child.stdin.close()
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _progress(job: Path) -> dict[str, Any]:
    file = job / "progress.json"
    return dict(read_json(file)) if file.is_file() else {}


def _failure(job: Path, code: int) -> TrainingFailed:
    file = job / "error.json"
    if file.is_file():
        said = read_json(file)
        return TrainingFailed(said["message"], said["error"])
    if code < 0:
        return TrainingFailed(f"training was ended by signal {-code}; run the round again, it goes on where it stopped")
    return TrainingFailed(f"training ended with exit code {code}; its output is in {job / 'log.txt'}")
