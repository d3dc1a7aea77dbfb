"""Training speed: recux against a naive loop and the Hugging Face Trainer, and the share of the machine's rate."""

import json
import statistics
import subprocess
import sys
import time
from typing import Any

import torch

CONTESTANTS = ("naive", "trainer", "recux")
TESTED = 500
"""Held-out texts that are looked at after training."""
SIZE = 2048
Report = dict[str, Any]


def speed(texts: int, epochs: int, repeats: int, seed: int) -> None:
    """Print the table. Contestants take turns, and a large matrix product is timed in each turn."""
    turns: list[Report] = []
    for _ in range(repeats):
        rates = product_rates()
        turns += [contestant(name, texts, epochs, seed) | rates for name in CONTESTANTS]
    print(f"\n{texts} texts, {epochs} epochs, {repeats} turns; real tokens seen by each: {turns[0]['tokens']:,}\n")
    print("| loop | tokens/s | x naive | tokens a processor second | x naive | of the GEMM rate | peak MiB | QWK |")
    print("|---|---|---|---|---|---|---|---|")
    base: dict[str, float] = {}
    for name in CONTESTANTS:
        mine = [t for t in turns if t["name"] == name]
        wall = statistics.median(t["tokens"] / t["seconds"] for t in mine)
        processor = statistics.median(t["tokens"] / t["processor_seconds"] for t in mine)
        share = statistics.median(t["flops"] / t["processor_seconds"] / t["processor_rate"] for t in mine)
        base = base or {"wall": wall, "processor": processor}
        peak = max(t["peak_mib"] for t in mine)
        print(
            f"| {name} | {wall:.0f} | {wall / base['wall']:.2f} | {processor:.0f} | {processor / base['processor']:.2f}"
            f" | {share:.2f} | {peak:.0f} | {mine[0]['qwk']:.3f} |"
        )


def contestant(name: str, texts: int, epochs: int, seed: int) -> Report:
    """One turn of one contestant, in its own process."""
    command = [sys.executable, "-m", "benchmarks.train", "contestant", name, "--texts", str(texts)]
    command += ["--epochs", str(epochs), "--test", str(TESTED), "--seeds", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: Report = json.loads(done.stdout.strip().splitlines()[-1])
    return report


def product_rates() -> dict[str, float]:
    """Operations a processor second in a plain large product, in the faster of fp32 and bf16."""
    from recux.learn.device import matmul_seconds

    best = min(
        matmul_seconds(dtype, SIZE, tries=3, clock=time.process_time) for dtype in (torch.float32, torch.bfloat16)
    )
    return {"processor_rate": 2 * SIZE**3 / best}
