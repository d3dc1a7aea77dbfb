"""A worker whose stages append to a file and take a while: run as a program, so that a test can kill it for real."""

import sys
import time
from pathlib import Path

from recux.rounds import queue, stages, upkeep, worker
from recux.settings import Settings

LEDGER = Path(sys.argv[1])
VERSION = sys.argv[2] if len(sys.argv) > 2 else queue.VERSION
"""Version of the code that this worker pretends to have."""


def counting(name):
    def stage(work):
        with LEDGER.open("a") as file:
            file.write(f"{name} begin\n")
        time.sleep(0.3)
        with LEDGER.open("a") as file:
            file.write(f"{name} end\n")

    return stage


if __name__ == "__main__":
    worker.STAGES = tuple((name, counting(name)) for name, _ in stages.STAGES)
    if queue.VERSION != VERSION:
        queue.VERSION = worker.VERSION = VERSION
        worker.UPKEEP_SECONDS = 0.5
        upkeep.TASKS = (("restart-orphans", 0.5, queue.restart_orphans),)
    worker.main(Settings())
