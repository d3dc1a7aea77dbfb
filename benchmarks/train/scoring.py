"""Scoring: texts a second against ``transformers.pipeline`` with batching."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.train.contestants import MAX_TOKENS, WHERE, classifier
from benchmarks.train.reviews import sample
from recux.learn.means import item_means
from recux.learn.recipe import default_recipe
from recux.learn.scoring import EncoderScorer
from recux.learn.tfidf import fit_comments
from recux.learn.training import build
from recux.learn.weights import load_tokenizer

TAUGHT = 4000
"""Reviews that the bag of words has learned from."""


def scoring(texts: int, repeats: int) -> None:
    """Print the table; they take turns, and the best turn of each counts."""
    comments = [e.text for e in sample(texts, 0, 0).satisfaction]
    own = served()
    theirs, short = pipeline_of(torch.float32), pipeline_of(torch.bfloat16)
    runs: dict[str, Callable[[], Any]] = {
        "transformers.pipeline": lambda: theirs(comments),
        "the same in bf16": lambda: short(comments),
        "recux": lambda: own.raw(comments),
        "recux without the bag of words": lambda: own.score(*own.inputs(comments)),
    }
    best: dict[str, tuple[float, float]] = {}
    for _ in range(repeats):
        for name, run in runs.items():
            start, processor = time.perf_counter(), time.process_time()
            run()
            took = (time.perf_counter() - start, time.process_time() - processor)
            best[name] = min(best.get(name, took), took, key=lambda pair: pair[1])
    print(f"\n{texts} comments, at most {MAX_TOKENS} tokens each, best of {repeats} turns\n")
    print("| scorer | texts/s | x pipeline | texts a processor second | x pipeline |")
    print("|---|---|---|---|---|")
    first = best["transformers.pipeline"]
    for name, (wall, processor) in best.items():
        ratios = first[0] / wall, first[1] / processor
        print(f"| {name} | {texts / wall:.0f} | {ratios[0]:.2f} | {texts / processor:.0f} | {ratios[1]:.2f} |")


def served() -> EncoderScorer:
    """What recux serves for comments: heads on the layers that the default recipe keeps, and a bag of words."""
    network, tokenizer, recipe = build(
        ["satisfaction", "recommend"], default_recipe(TAUGHT, WHERE.type, max_tokens=MAX_TOKENS)
    )
    device = next(network.parameters()).device
    words = fit_comments(sample(TAUGHT, 1, 0).satisfaction)
    return EncoderScorer(network.eval(), tokenizer, item_means(()), MAX_TOKENS, device, recipe.precision, words)


def pipeline_of(dtype: torch.dtype) -> Any:
    """A text-classification pipeline on the same encoder, all six layers of it, 32 texts at a time."""
    from transformers import pipeline

    with tempfile.TemporaryDirectory() as folder:
        model = classifier("embedded")
        model.save_pretrained(Path(folder))
        return pipeline(
            "text-classification",
            model=model.to(dtype),
            tokenizer=load_tokenizer("embedded"),
            batch_size=32,
            device=WHERE,
            truncation=True,
            max_length=MAX_TOKENS,
        )
