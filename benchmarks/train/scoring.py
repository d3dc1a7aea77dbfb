"""Scoring: texts a second against ``transformers.pipeline`` with batching."""

import tempfile
import time
from pathlib import Path

from benchmarks.train.reviews import sample
from recux.learn.means import item_means
from recux.learn.recipe import Recipe
from recux.learn.scoring import EncoderScorer
from recux.learn.training import build


def scoring(texts: int) -> None:
    """Print both rates; the two take turns."""
    comments = [e.text for e in sample(texts, 0, 0).satisfaction]
    network, tokenizer, recipe = build(["satisfaction", "recommend"], Recipe(device="cpu", max_tokens=128))
    own = EncoderScorer(
        network.eval(), tokenizer, item_means(()), 128, next(network.parameters()).device, recipe.precision
    )
    theirs = pipeline_of()
    seconds: dict[str, float] = {}
    for _ in range(2):
        for name, run in (("pipeline", lambda: theirs(comments)), ("recux", lambda: own.raw(comments))):
            start, processor = time.perf_counter(), time.process_time()
            run()
            seconds[name] = min(seconds.get(name, 1e9), time.perf_counter() - start)
            seconds[name + "_cpu"] = min(seconds.get(name + "_cpu", 1e9), time.process_time() - processor)
    print(
        f"scoring {texts} texts: pipeline {texts / seconds['pipeline']:.0f}/s, recux {texts / seconds['recux']:.0f}/s,"
    )
    print(
        f"  x{seconds['pipeline'] / seconds['recux']:.2f} by the clock,"
        f" x{seconds['pipeline_cpu'] / seconds['recux_cpu']:.2f} by processor time"
    )


def pipeline_of():
    """A text-classification pipeline on the same encoder, 32 texts at a time."""
    from transformers import pipeline

    from benchmarks.train.contestants import classifier
    from recux.learn.weights import load_tokenizer

    with tempfile.TemporaryDirectory() as folder:
        model = classifier()
        model.save_pretrained(Path(folder))
        return pipeline(
            "text-classification",
            model=model,
            tokenizer=load_tokenizer("embedded"),
            batch_size=32,
            device="cpu",
            truncation=True,
            max_length=128,
        )
