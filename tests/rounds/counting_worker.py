"""A worker whose stages append to a file and take a while: run as a program, so that a test can kill it for real."""

import sys
import time
from pathlib import Path

from recux.rounds import stages, worker
from recux.settings import Settings

LEDGER = Path(sys.argv[1])


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
    worker.main(Settings())
