"""``python -m benchmarks.train [speed|scoring|quality|adapters|all]``: prints tables; each part can be run by itself.

Contestants run one after the other, each in a process of its own, and in turns, so that what else the machine does
falls on all of them. Compare ratios, not absolute figures.
"""

import argparse
import json
import platform
from pathlib import Path

import torch

from benchmarks.data import data_set
from benchmarks.train.adapters import adapter, adapters
from benchmarks.train.quality import PLAIN, quality
from benchmarks.train.reviews import REVIEWS
from benchmarks.train.scoring import scoring
from benchmarks.train.speed import CONTESTANTS, speed
from recux.learn.recipe import METHODS

PARTS = ("all", "speed", "scoring", "adapters", "quality")


def main() -> None:
    """Parse the flags and run the parts asked for."""
    flags = parser().parse_args()
    data_set(REVIEWS)  # said before anything is started
    if flags.part == "contestant":
        from benchmarks.train.contestants import run

        report = run(flags.name, texts=flags.texts, epochs=flags.epochs, n_test=flags.test, seed=flags.seeds[0])
        print(json.dumps(report))
        return
    if flags.part == "adapter":
        print(json.dumps(adapter(flags.name, flags.texts, flags.test, flags.seeds[0])))
        return
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    if flags.part in ("speed", "all"):
        speed(flags.texts, flags.epochs, flags.repeats, flags.seeds[0])
        if not torch.cuda.is_available():
            print("GPU rows: not measured yet (no GPU here)")
    if flags.part in ("scoring", "all"):
        scoring(flags.texts, flags.repeats)
    if flags.part in ("adapters", "all"):
        adapters(flags.texts, min(flags.test, 1000), flags.seeds[0])
    if flags.part in ("quality", "all"):
        plain = flags.seeds if flags.plain is None else flags.plain
        recipe = json.loads(flags.recipe)
        quality(flags.sizes, flags.seeds, plain, flags.plain_heads, flags.test, recipe, flags.folder)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser("benchmarks.train", description=__doc__)
    found.add_argument("part", nargs="?", default="all", choices=[*PARTS, "contestant", "adapter"])
    found.add_argument("name", nargs="?", choices=[*CONTESTANTS, *METHODS], help="of a `contestant` or an `adapter`")
    found.add_argument("--texts", type=int, default=500, help="training texts of the speed and adapter rows")
    found.add_argument("--epochs", type=int, default=1, help="epochs of the speed rows")
    found.add_argument("--repeats", type=int, default=3, help="turns of the speed rows")
    found.add_argument("--test", type=int, default=3000, help="held-out texts, at most")
    found.add_argument("--sizes", type=int, nargs="*", default=[200, 500], help="texts of the quality rows; 0: all")
    found.add_argument("--plain", type=int, nargs="*", help="seeds of the plain fine-tunes; default: all seeds")
    found.add_argument("--plain-heads", nargs="*", choices=list(PLAIN), default=list(PLAIN), help="one model a head")
    found.add_argument("--folder", type=Path, default=Path("var/bench-train"), help="where quality rows are kept")
    found.add_argument("--seeds", type=int, nargs="+", default=[0])
    found.add_argument("--recipe", default="{}", help="settings of the quality rows that differ from the default")
    return found


if __name__ == "__main__":
    main()
