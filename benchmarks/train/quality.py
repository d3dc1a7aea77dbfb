"""Quality on the clothing reviews: recux, a plain fine-tune, and TF-IDF with logistic regression, on the same rows.

What each model says of the test rows is kept in a folder, a file a size and seed, so that a run goes on where it was
stopped; the tables are made from the files.
"""

import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.train.contestants import plain_shares
from benchmarks.train.quality_tables import print_tables
from benchmarks.train.reviews import read_reviews, sample
from recux.learn.baselines import fit_baselines
from recux.learn.examples import Examples
from recux.learn.predictor import Scorer, load
from recux.learn.recipe import Recipe, default_recipe
from recux.learn.tested import labelled_rows
from recux.learn.training import train

Arrays = dict[str, Any]
PLAIN = {"satisfaction": "plain", "recommend": "plain_flag"}
"""Where a file keeps what the plain fine-tune of a head says."""


def quality(
    sizes: list[int],
    seeds: list[int],
    plain_seeds: list[int],
    plain_heads: list[str],
    n_test: int,
    settings: dict[str, Any],
    folder: Path,
) -> None:
    """Measure what is not in ``folder`` yet, size by size (0: all reviews), and print the tables.

    A plain fine-tune of each of ``plain_heads`` runs for ``plain_seeds`` only: it costs most.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for size in sizes:
        for seed in seeds:
            examples = sample(size or len(read_reviews()), seed, n_test)
            n = len(examples.of("train"))
            recipe = default_recipe(n, **{"device": "cpu", "seed": seed, **settings})
            measured(examples, recipe, folder / f"{n:05}-{seed}.npz", plain_heads if seed in plain_seeds else [])
    print_tables(folder)


def measured(examples: Examples, recipe: Recipe, file: Path, plain_heads: list[str]) -> None:
    """Write to ``file`` what the models say, unless it is there already for this very recipe."""
    known = read(file) if file.is_file() else {}
    if known.get("recipe") != recipe_name(recipe):
        known = truth(examples) | own(examples, recipe, file.with_suffix("")) | simple(examples)
        write(file, known)
    for head in plain_heads:
        name = PLAIN[head]
        if name not in known:
            start = time.process_time()
            shares = plain_shares(examples, recipe, head)
            known[name] = shares if head == "satisfaction" else shares[:, 1]
            known[f"{name}_seconds"] = time.process_time() - start
            write(file, known)
    print(f"{file.stem}: {float(known['seconds']):.0f} processor seconds, {known['epochs']} epochs", flush=True)


def truth(examples: Examples) -> Arrays:
    """Labels of the test rows, and whose they are."""
    stars, flags = (labelled_rows(examples, head, "heldout") for head in ("satisfaction", "recommend"))
    assert stars.inputs == flags.inputs, "every test row has a star and a flag"
    return {"stars": stars.labels, "flags": flags.labels, "people": np.array(stars.participants)}


def own(examples: Examples, recipe: Recipe, work: Path) -> Arrays:
    """Recux's model, trained in the folder ``work``, where a run that was cut off goes on from its last checkpoint."""
    start = time.process_time()
    trained = train(examples, recipe, out_dir=work)
    seconds = time.process_time() - start
    said = opinions(load(trained.folder).scorer, examples, "recux")
    shutil.rmtree(work)
    return said | {"recipe": recipe_name(recipe), "seconds": seconds, "epochs": trained.epochs}


def simple(examples: Examples) -> Arrays:
    """TF-IDF with logistic regression."""
    return opinions(fit_baselines(examples)["satisfaction"][0], examples, "tfidf")


def opinions(scorer: Scorer, examples: Examples, name: str) -> Arrays:
    """Raw probabilities of the test rows."""
    raw = scorer.raw(labelled_rows(examples, "satisfaction", "heldout").inputs)
    return {name: raw["satisfaction"], f"{name}_flag": raw["recommend"]}


def recipe_name(recipe: Recipe) -> str:
    """What makes two measurements the same."""
    return json.dumps(recipe.to_dict(), sort_keys=True)


def read(file: Path) -> Arrays:
    """The arrays of a file; texts and numbers come back as they were."""
    with np.load(file, allow_pickle=False) as saved:
        return {name: saved[name][()] for name in saved.files}


def write(file: Path, arrays: Arrays) -> None:
    """All or nothing."""
    draft = file.with_suffix(".draft.npz")
    np.savez(draft, allow_pickle=False, **arrays)
    draft.replace(file)


def results(folder: Path) -> Iterable[tuple[int, int, Arrays]]:
    """Texts, seed and arrays of every file."""
    for file in sorted(folder.glob("?????-*.npz")):
        n, seed = file.stem.split("-")
        yield int(n), int(seed), read(file)
