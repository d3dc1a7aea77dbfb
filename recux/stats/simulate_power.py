"""Power by simulation, for comparisons that no formula covers."""

from collections.abc import Callable

import numpy as np

from recux.stats.arrays import Floats, count, generator, share
from recux.stats.proportions import proportion
from recux.stats.results import Difference, Estimate, Superiority

Draw = Callable[[np.random.Generator, int], Floats]


def simulated_power(
    draw_a: Draw,
    draw_b: Draw,
    compare: Callable[[Floats, Floats], Difference | Superiority],
    *,
    n_a: int,
    n_b: int,
    seed: int,
    runs: int = 1000,
    alpha: float = 0.05,
) -> Estimate:
    """Share (0 to 1) of simulated pilots in which `compare` finds p < alpha, with its Clopper-Pearson interval.

    `draw_a(rng, n)` and `draw_b(rng, n)` return the values of n participants. A pilot that is not estimable counts as
    one that finds nothing. With equal draws the result is the type I error.
    """
    size_a, size_b = count(n_a, "n_a", low=2), count(n_b, "n_b", low=2)
    rng, found = generator(seed), 0
    for _ in range(count(runs, "runs", low=1)):
        p = compare(draw_a(rng, size_a), draw_b(rng, size_b)).p
        found += p is not None and p < share(alpha, "alpha")
    return proportion(found, runs)
