"""Cells of the methods that resample, iterate or fit a model: fewer pilots, fewer cells."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.stats import populations as pop
from benchmarks.stats.cells import Cell, tally
from benchmarks.stats.closed_forms import Job, ends, label
from recux import stats

LATENCY = [
    (sizes, spread, q, scale)
    for sizes, spread in [
        ((20, 20), 0.3),
        ((20, 60), 0.3),
        ((50, 50), 0.3),
        ((50, 150), 0.6),
        ((100, 100), 0.6),
        ((200, 200), 0.3),
    ]
    for q, scale in [(0.95, 200.0), (0.5, 260.0)]
]


def bootstrap_jobs() -> Iterator[Job]:
    """Cells of the bootstrap and of the permutation test."""
    for sizes, spread, q, scale in LATENCY:
        yield partial(latency, sizes, spread, q, scale)
    for n in (20, 50, 100, 200):
        yield partial(bootstrap_ratio, n)
        yield partial(permutation, n)
    for n in (20, 50):
        yield partial(drifted, n)


def model_jobs() -> Iterator[Job]:
    """Cells of the regression and of the factor model."""
    for sizes, name in [((20, 20), "spread"), ((20, 60), "high"), ((50, 50), "high"), ((50, 50), "spread")]:
        yield partial(odds, sizes, name)
    for n in (100, 200):
        yield partial(factor_fit, n)


def latency(
    sizes: tuple[int, int], spread: float, q: float, scale: float, rng: np.random.Generator, pilots: int
) -> Cell:
    """Difference of a latency quantile, ten requests a person; b takes `scale` instead of 200 ms."""
    arms = [pop.durations(rng, s, spread, (pilots, n, 10)) for s, n in zip((200.0, scale), sizes, strict=True)]
    people = [np.repeat(np.arange(n), 10) for n in sizes]
    results = (
        ends(stats.compare_latency(x.ravel(), y.ravel(), q, clusters_a=people[0], clusters_b=people[1], seed=i))
        for i, (x, y) in enumerate(zip(*arms, strict=True))
    )
    truth = pop.duration_quantile(scale, spread, q) - pop.duration_quantile(200.0, spread, q)
    name = f"p{100 * q:g}, log sd between people {spread}"
    return tally("compare_latency", name, sizes, results, truth, continuous=True)


def bootstrap_ratio(n: int, rng: np.random.Generator, pilots: int) -> Cell:
    """Cluster bootstrap of the mean of all ratings."""
    people = np.repeat(np.arange(n), 10)
    drawn = pop.ratings(rng, pop.RATINGS["high"], 0.3, (pilots, n, 10)).reshape(pilots, -1)
    results = (
        ends(stats.cluster_bootstrap(lambda w, x=x: w @ x / w.sum(axis=1), people, seed=i, draws=1000))
        for i, x in enumerate(drawn)
    )
    return tally(
        "cluster_bootstrap",
        "mean of high ratings",
        (n,),
        results,
        pop.mean_rating(pop.RATINGS["high"]),
        continuous=True,
    )


def permutation(n: int, rng: np.random.Generator, pilots: int) -> Cell:
    """Sign-flip permutation of paired mean ratings."""
    both = pop.ratings(rng, pop.RATINGS["high"], 0.4, (pilots, n, 10))
    first, second = both[:, :, :5].mean(axis=2), both[:, :, 5:].mean(axis=2)
    results = (
        ends(stats.compare_paired_permutation(x, y, seed=i, draws=2000))
        for i, (x, y) in enumerate(zip(first, second, strict=True))
    )
    return tally("compare_paired_permutation", "high", (n,), results, 0.0, null=True, continuous=True)


def drifted(n: int, rng: np.random.Generator, pilots: int) -> Cell:
    """No drift between two rounds of different people."""
    arms = [pop.ratings(rng, pop.RATINGS["spread"], 0.3, (pilots, n, 10)).reshape(pilots, -1) for _ in range(2)]
    people = np.repeat(np.arange(n), 10)
    results = (
        (None, None, stats.drift(x, y, clusters_before=people, clusters_after=people + n, seed=i, draws=1000).ks_p)
        for i, (x, y) in enumerate(zip(*arms, strict=True))
    )
    return tally("drift (KS)", "spread, ICC 0.3", (n, n), results, None, null=True)


def odds(sizes: tuple[int, int], name: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Clustered ordinal regression without a difference."""
    arms = [pop.ratings(rng, pop.RATINGS[name], 0.3, (pilots, n, 10)) for n in sizes]
    people = [np.repeat(np.arange(n), 10) for n in sizes]
    results = (
        ends(stats.compare_ordinal_clustered(x.ravel(), y.ravel(), clusters_a=people[0], clusters_b=people[1]))
        for x, y in zip(*arms, strict=True)
    )
    return tally("compare_ordinal_clustered", label(name, name, 0.3), sizes, results, 1.0, null=True)


def factor_fit(n: int, rng: np.random.Generator, pilots: int) -> Cell:
    """Chi-square of a true two-factor model of eight questions."""
    factors = rng.normal(size=(pilots, n, 2)) @ np.linalg.cholesky([[1, 0.4], [0.4, 1]]).T
    tables = np.repeat(factors, 4, axis=2) * 0.8 + 0.6 * rng.normal(size=(pilots, n, 8))
    model = {"x": [0, 1, 2, 3], "y": [4, 5, 6, 7]}
    results = ((None, None, stats.confirm_factors(table, model).p) for table in tables)
    return tally("confirm_factors (chi-square)", "two factors, eight questions", (n,), results, None, null=True)
