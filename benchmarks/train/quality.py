"""Quality on the clothing reviews: AUC of the recommend flag and QWK of the star, beside those of TF-IDF and LR."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.train.reviews import read_reviews, sample
from recux.learn.baselines import fit_baselines
from recux.learn.calibration import cross_fitted, predicted_stars
from recux.learn.evaluation import evaluate, labelled_rows
from recux.learn.metrics import Groups, one_hot, quadratic_kappa
from recux.learn.predictor import Scorer, load
from recux.learn.recipe import default_recipe
from recux.learn.training import train


def quality(sizes: list[int], seeds: list[int], n_test: int, settings: dict[str, Any]) -> None:
    """A row for each size and seed; the difference in QWK is paired, with its interval. Size 0 means all reviews."""
    print(f"{'texts':>6} {'seed':>4} {'AUC':>6} {'QWK':>6} {'ECE':>6} | {'TF-IDF AUC':>10} {'QWK':>6} | QWK difference")
    for size in sizes:
        for seed in seeds:
            examples = sample(size or len(read_reviews()), seed, n_test)
            n = len(examples.of("train"))
            simple = fit_baselines(examples)["satisfaction"]
            with tempfile.TemporaryDirectory() as folder:
                recipe = default_recipe(n, **{"device": "cpu", "seed": seed, **settings})
                trained = train(examples, recipe, out_dir=Path(folder))
                encoder = load(trained.folder).scorer
                a = evaluate(encoder, examples, "satisfaction").metrics
                b = evaluate(simple, examples, "satisfaction").metrics
                value, low, high = qwk_difference(encoder, simple, examples)
            print(
                f"{n:6} {seed:4} {a['auc'].value:6.4f} {a['qwk'].value:6.3f} {a['ece'].value:6.3f}"
                f" | {b['auc'].value:10.4f} {b['qwk'].value:6.3f} | {value:+.3f} [{low:+.3f}, {high:+.3f}]"
                f"  ({trained.seconds:.0f} s, {trained.epochs} epochs)",
                flush=True,
            )


def qwk_difference(a: Scorer, b: Scorer, examples: Any) -> tuple[float, float, float]:
    """QWK of ``a`` minus that of ``b`` on the same rows, with a 95 % interval from the same resamples."""
    rows = labelled_rows(examples, "satisfaction", "heldout")
    groups = Groups.of(rows.participants)
    kappas = []
    for scorer in (a, b):
        p = cross_fitted(scorer.raw(rows.inputs)["satisfaction"], rows.classes, rows.participants)
        cells = one_hot(rows.classes * 5 + predicted_stars(p) - 1, 25)
        kappas.append(quadratic_kappa(groups.total(cells).reshape(-1, 5, 5)))
    difference = kappas[0] - kappas[1]
    low, high = np.percentile(difference[1:], [2.5, 97.5])
    return float(difference[0]), float(low), float(high)
