"""Parameter-efficient methods against full fine-tuning: quality, speed, memory and size, a process each."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.train.reviews import sample
from recux.learn.evaluation import evaluate
from recux.learn.predictor import load
from recux.learn.recipe import METHODS, default_recipe
from recux.learn.training import build, train

MIB = 2**20


def adapters(texts: int, n_test: int, seed: int) -> None:
    """Print the table. All methods see the same texts, epochs and layers; the bag of words is left out."""
    print("\n| method | learns | AUC | QWK | log-loss | tokens a processor second | peak MiB | stored MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for method in METHODS:
        command = [sys.executable, "-m", "benchmarks.train", "adapter", method, "--texts", str(texts)]
        command += ["--test", str(n_test), "--seeds", str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(row(json.loads(done.stdout.strip().splitlines()[-1])), flush=True)


def row(report: dict[str, Any]) -> str:
    """One method."""
    rate = report["tokens"] / report["seconds"]
    figures = f"{report['auc']:.3f} | {report['qwk']:.3f} | {report['loss']:.3f}"
    sizes = f"{report['peak']:.0f} | {report['stored']:.1f}"
    return f"| {report['method']} | {report['learns']:,} | {figures} | {rate:.0f} | {sizes} |"


def adapter(method: str, texts: int, n_test: int, seed: int) -> dict[str, Any]:
    """Train with one method and report."""
    examples = sample(texts, seed, n_test)
    recipe = default_recipe(texts, "cpu", seed=seed, method=method, words=0.0)
    learns = [p.numel() for p in build(["satisfaction", "recommend"], recipe)[0].parameters() if p.requires_grad]
    with tempfile.TemporaryDirectory() as place:
        start = time.process_time()
        trained = train(examples, recipe, out_dir=Path(place))
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        own = trained.folder / "adapter" if method == "prefix" else trained.folder / "encoder"
        stored = sum(f.stat().st_size for f in own.glob("*.safetensors")) / MIB
        found = evaluate(load(trained.folder).scorer, examples, "satisfaction").metrics
    return {
        "method": method,
        "learns": sum(learns),
        "tokens": trained.tokens_seen,
        "seconds": seconds,
        "peak": peak,
        "stored": stored,
        "auc": found["auc"].value,
        "qwk": found["qwk"].value,
        "loss": found["log_loss"].value,
    }
