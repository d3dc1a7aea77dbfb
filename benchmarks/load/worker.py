"""A worker as it is, but for training, which waits a few seconds instead; it notes what it does in a file."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from recux.rounds import worker
from recux.rounds.stages import STAGES, Work
from recux.settings import Settings

TRAINING_SECONDS = 3.0


def noted(file: Path, name: str, stage: Callable[[Work], None]) -> Callable[[Work], None]:
    """The stage, between two lines."""

    def act(work: Work) -> None:
        _note(file, f"{work.round_id} {name} begin")
        stage(work)
        _note(file, f"{work.round_id} {name} end")

    return act


def wait(_work: Work) -> None:
    """In place of training."""
    time.sleep(TRAINING_SECONDS)


def _note(file: Path, what: str) -> None:
    with file.open("a") as stream:
        stream.write(f"{time.monotonic():.3f} {os.getpid()} {what}\n")


if __name__ == "__main__":
    worker.STAGES = tuple(
        (name, noted(Path(sys.argv[1]), name, wait if name == "train" else stage)) for name, stage in STAGES
    )
    worker.main(Settings())
