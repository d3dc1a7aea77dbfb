"""Training speed: recux against a naive loop and the Hugging Face Trainer, and the share of the machine's rate."""

import json
import statistics
import subprocess
import sys
import time
from typing import Any

import torch

CONTESTANTS = {
    "naive": "naive loop",
    "trainer": "Hugging Face Trainer",
    "recux": "recux",
    "few": "recux, recipe for few texts",
}
TESTED = 500
"""Held-out texts that are looked at after training."""
SIZE = {"cpu": 2048, "cuda": 8192}
"""Rows and columns of the product that the machine's rate is read from."""
Report = dict[str, Any]


def speed(texts: int, epochs: int, repeats: int, seed: int) -> None:
    """Print the table. Contestants take turns, and a large matrix product is timed in each turn."""
    turns: list[Report] = []
    for _ in range(repeats):
        rates = product_rates()
        turns += [contestant(name, texts, epochs, seed) | rates for name in CONTESTANTS]
    rate = statistics.median(t["wall_rate"] for t in turns) / 1e9
    print(f"\n{texts} texts, {epochs} epochs, {repeats} turns, medians; product of {rate:,.0f} GFLOP/s\n")
    print("| loop | real tokens | tokens/s | x naive | x Trainer | of the GEMM rate | peak MiB | QWK |", end="")
    print(" tokens a processor second | x naive | x Trainer |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    found = {name: summary([t for t in turns if t["name"] == name]) for name in CONTESTANTS}
    for name, words in CONTESTANTS.items():
        mine = found[name]
        print(f"| {words} | {mine['tokens']:,.0f} | {beside(found, name, 'wall')} | {mine['share']:.2f}", end="")
        print(f" | {mine['peak']:,.0f} | {mine['qwk']:.3f} | {beside(found, name, 'processor')} |")


def beside(found: dict[str, dict[str, float]], name: str, clock: str) -> str:
    """Tokens a second of ``clock``, and that as a multiple of the naive loop's and the Trainer's."""
    rate = found[name][clock]
    return f"{rate:,.0f} | {rate / found['naive'][clock]:.2f} | {rate / found['trainer'][clock]:.2f}"


def summary(turns: list[Report]) -> dict[str, float]:
    """Medians over the turns of one contestant; the largest peak."""
    middle = statistics.median
    return {
        "tokens": turns[0]["tokens"],
        "wall": middle(t["tokens"] / t["seconds"] for t in turns),
        "processor": middle(t["tokens"] / t["processor_seconds"] for t in turns),
        "share": middle(t["flops"] / t["seconds"] / t["wall_rate"] for t in turns),
        "peak": max(t["peak_mib"] for t in turns),
        "qwk": turns[0]["qwk"],
    }


def contestant(name: str, texts: int, epochs: int, seed: int) -> Report:
    """One turn of one contestant, in its own process; told on standard error too, since a run is long."""
    command = [sys.executable, "-m", "benchmarks.train", "contestant", name, "--texts", str(texts)]
    command += ["--epochs", str(epochs), "--test", str(TESTED), "--seeds", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: Report = json.loads(done.stdout.strip().splitlines()[-1])
    print(json.dumps(report), file=sys.stderr, flush=True)
    return report


def product_rates() -> dict[str, float]:
    """Operations a second in a plain large product, in the faster of fp32 and bf16; the best of a few tries."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = SIZE[device]
    best = min(product_seconds(device, size, dtype) for dtype in (torch.float32, torch.bfloat16))
    return {"wall_rate": 2 * size**3 / best}


def product_seconds(device: str, size: int, dtype: torch.dtype, tries: int = 6) -> float:
    """The best time of one square product on ``device``."""
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(tries):
        start = time.perf_counter()
        torch.mm(a, b)
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best
