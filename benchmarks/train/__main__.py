"""``python -m benchmarks.train [speed|scoring|quality|adapters|all]``: prints tables; each part can be run by itself.

Contestants run one after the other, each in a process of its own, and in turns, so that what else the machine does
falls on all of them. Compare ratios, not absolute figures.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.train.adapters import adapter, adapters
from benchmarks.train.quality import quality
from benchmarks.train.scoring import scoring
from recux.learn.recipe import METHODS

CONTESTANTS = ("naive", "trainer", "recux")
PARTS = ("all", "speed", "scoring", "adapters", "quality")
TESTED = 500
"""Held-out texts that the speed rows look at after training."""


def main() -> None:
    """Parse the flags and run the parts asked for."""
    flags = parser().parse_args()
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
        speed(flags)
        if not torch.cuda.is_available():
            print("GPU rows: not measured yet (no GPU here)")
    if flags.part in ("scoring", "all"):
        scoring(flags.texts)
    if flags.part in ("adapters", "all"):
        adapters(flags.texts, min(flags.test, 1000), flags.seeds[0])
    if flags.part in ("quality", "all"):
        plain = flags.seeds if flags.plain is None else flags.plain
        quality(flags.sizes, flags.seeds, plain, flags.test, json.loads(flags.recipe), flags.folder)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser("benchmarks.train", description=__doc__)
    found.add_argument("part", nargs="?", default="all", choices=[*PARTS, "contestant", "adapter"])
    found.add_argument("name", nargs="?", choices=[*CONTESTANTS, *METHODS], help="of a `contestant` or an `adapter`")
    found.add_argument("--texts", type=int, default=320, help="training texts of the speed and adapter rows")
    found.add_argument("--epochs", type=int, default=1, help="epochs of the speed rows")
    found.add_argument("--repeats", type=int, default=2, help="turns of the speed rows")
    found.add_argument("--test", type=int, default=3000, help="held-out texts, at most")
    found.add_argument("--sizes", type=int, nargs="+", default=[200, 500], help="training texts of the quality rows")
    found.add_argument("--plain", type=int, nargs="*", help="seeds of the plain fine-tune; default: all seeds")
    found.add_argument("--folder", type=Path, default=Path("var/bench-train"), help="where quality rows are kept")
    found.add_argument("--seeds", type=int, nargs="+", default=[0])
    found.add_argument("--recipe", default="{}", help="settings of the quality rows that differ from the default")
    return found


def speed(flags: argparse.Namespace) -> None:
    """Tokens a second of the three loops, the share of the machine's matrix-multiply rate, and peak memory."""
    turns: list[dict[str, Any]] = []
    for _ in range(flags.repeats):
        rate = matmul_flops()
        turns += [contestant(name, flags) | {"matmul": rate} for name in CONTESTANTS]
    print("loop      tokens/s  x naive  tokens/cpu-s  x naive  of GEMM    MiB    QWK")
    base: dict[str, float] = {}
    for name in CONTESTANTS:
        mine = [t for t in turns if t["name"] == name]
        wall = statistics.median(t["tokens"] / t["seconds"] for t in mine)
        processor = statistics.median(t["tokens"] / t["processor_seconds"] for t in mine)
        share = statistics.median(
            t["tokens"] / t["seconds"] * flops_per_token(t["frozen_share"]) / t["matmul"] for t in mine
        )
        base = base or {"wall": wall, "processor": processor}
        print(
            f"{name:8} {wall:9.0f} {wall / base['wall']:8.2f} {processor:13.0f} {processor / base['processor']:8.2f}"
            f" {share:8.2f} {max(t['peak_mib'] for t in mine):6.0f} {mine[0].get('qwk', float('nan')):6.3f}"
        )


def contestant(name: str, flags: argparse.Namespace) -> dict[str, Any]:
    """One turn of one contestant, in its own process."""
    command = [sys.executable, "-m", "benchmarks.train", "contestant", name, "--texts", str(flags.texts)]
    command += ["--epochs", str(flags.epochs), "--test", str(TESTED), "--seeds", str(flags.seeds[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return report


def flops_per_token(frozen: float) -> float:
    """6 x the encoder's non-embedding parameters, 2 x for the frozen ones; attention, a few percent, is not counted."""
    from recux.learn.network import non_embedding_parameters
    from recux.learn.weights import load_encoder

    return (6.0 - 4.0 * frozen) * non_embedding_parameters(load_encoder("embedded"))


def matmul_flops() -> float:
    """The machine's rate in a plain large product, in the faster of fp32 and bf16."""
    from recux.learn.device import matmul_seconds

    return max(2 * 2048**3 / matmul_seconds(dtype, 2048) for dtype in (torch.float32, torch.bfloat16))


if __name__ == "__main__":
    main()
