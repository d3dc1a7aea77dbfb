"""Cells of the methods that need no resampling."""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
from scipy import stats as scipy_stats

from benchmarks.stats import populations as pop
from benchmarks.stats.cells import Cell, tally
from recux import stats
from recux.stats.clusters import ratio_sums
from recux.stats.means import welch_of
from recux.stats.trinomial import score

Job = Callable[[np.random.Generator, int], Cell]
ICC = (0.0, 0.3, 0.5)
PER_PERSON = 10
Z = float(scipy_stats.norm.ppf(0.975))


def ends(result: Any) -> tuple[float | None, float | None, float | None]:
    """Interval and p of any result."""
    return result.ci_low, result.ci_high, getattr(result, "p", None)


def jobs() -> Iterator[Job]:
    """All closed-form cells."""
    for n, (name, shape) in product((20, 50, 100, 200), pop.NPS.items()):
        yield partial(one_nps, n, name, shape)
    for sizes, name in product(pop.SIZES, pop.NPS):
        yield partial(two_nps, sizes, name, name)
    for sizes, (a, b) in product(pop.SIZES, NPS_PAIRS):
        yield partial(two_nps, sizes, a, b)
    for sizes, icc, (a, b) in product(pop.SIZES, ICC, [(s, s) for s in pop.RATINGS] + RATING_PAIRS):
        yield partial(clustered_means, sizes, icc, a, b)
    for sizes, (a, b) in product(pop.SIZES, [(s, s) for s in pop.RATINGS] + RATING_PAIRS):
        yield partial(single_means, sizes, a, b)
        yield partial(ordinal, sizes, 1, 0.0, a, b)
        yield partial(ordinal, sizes, 5, 0.3, a, b)
    for n, name in product((20, 50, 100, 200), pop.RATINGS):
        yield partial(paired, n, name)
        yield partial(one_mean, n, 0.3, name)
        yield partial(one_answer, n, name)
    for n, icc, rate in product((20, 50, 100, 200), (0.01, 0.1, 0.3), (0.02, 0.1, 0.3)):
        yield partial(click_rate, n, icc, rate)
    for n, rate in product((20, 50, 100, 200), (0.02, 0.1, 0.5, 0.9)):
        yield partial(one_share, n, rate)
    for sizes, (a, b) in product(pop.SIZES, [(0.02, 0.02), (0.1, 0.1), (0.5, 0.5), (0.05, 0.2), (0.5, 0.9)]):
        yield partial(two_shares, sizes, a, b)
    for n, q in product((100, 400, 1000), (0.5, 0.95, 0.99)):
        yield partial(quantile, n, q)
    for n, questions in product((20, 50, 100, 200), (3, 8)):
        yield partial(alpha, n, questions)
    for n in (20, 50, 100, 200):
        yield partial(omega, n)
    for sizes, r in product(pop.SIZES, (0.0, 0.7)):
        yield partial(adjusted, sizes, r)
    for sizes in pop.SIZES:
        yield partial(crossover, sizes)
    for planned, skewed in product((60, 100, 200), (False, True)):
        yield partial(peeking, planned, skewed)
    for sizes, icc, rate in product(pop.SIZES, (0.01, 0.1, 0.3), (0.02, 0.1, 0.3)):
        yield partial(two_rates, sizes, icc, rate)
    for n, name in product((20, 50, 100, 200), ("high", "80 % fives")):
        yield partial(lopsided_alpha, n, name)
        yield partial(lopsided_omega, n, name)
        yield partial(lopsided_item, n, name)


NPS_PAIRS = [
    ("moderate", "good"),
    ("70 % promoters", "90 % promoters, 3 % detractors"),
    ("90 % promoters, 3 % detractors", "70 % promoters"),
    ("80 % promoters", "90 % promoters, no detractors"),
    ("moderate", "90 % promoters, 3 % detractors"),
    ("90 % promoters, 3 % detractors", "moderate"),
    ("polar", "80 % passives"),
    ("80 % passives", "polar"),
]
RATING_PAIRS = [("spread", "high"), ("high", "80 % fives"), ("80 % fives", "high"), ("polar", "spread")]


def one_nps(n: int, name: str, shape: pop.Shape, rng: np.random.Generator, pilots: int) -> Cell:
    """One net promoter score."""
    known = lru_cache(maxsize=None)(lambda c: ends(stats.nps([10] * c[0] + [8] * c[1] + [3] * c[2])))
    drawn = (known(tuple(int(x) for x in counts)) for counts in rng.multinomial(n, shape, size=pilots))
    return tally("nps", name, (n,), drawn, 100 * (shape[0] - shape[2]))


def two_nps(sizes: tuple[int, int], a: str, b: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Difference of two net promoter scores; its interval holds delta where the score of delta is within +-1.96."""
    shape_a, shape_b = pop.NPS[a], pop.NPS[b]
    delta = (shape_b[0] - shape_b[2]) - (shape_a[0] - shape_a[2])
    null = abs(delta) < 1e-12

    @cache
    def known(counts: tuple[tuple[int, int, int], tuple[int, int, int]]) -> tuple[float, float, float]:
        inside = abs(score(*counts, delta)) <= Z
        at_zero = score(*counts, 0.0) if not null else (0.0 if inside else 9.0)
        return (delta, delta, 2 * scipy_stats.norm.sf(abs(at_zero))) if inside else (9.0, 9.0, 0.0 if null else 1.0)

    drawn_a, drawn_b = (rng.multinomial(n, s, size=pilots) for n, s in zip(sizes, (shape_a, shape_b), strict=True))
    pairs = zip(map(tuple, drawn_a.tolist()), map(tuple, drawn_b.tolist()), strict=True)
    return tally("compare_nps", a if a == b else f"{a} / {b}", sizes, map(known, pairs), delta, null=null)


def clustered_means(sizes: tuple[int, int], icc: float, a: str, b: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Difference of mean ratings, ten a person."""
    arms = [pop.ratings(rng, pop.RATINGS[s], icc, (pilots, n, PER_PERSON)) for s, n in zip((a, b), sizes, strict=True)]
    people = [np.repeat(np.arange(n), PER_PERSON) for n in sizes]
    results = (
        ends(stats.compare_means(x.ravel(), y.ravel(), clusters_a=people[0], clusters_b=people[1]))
        for x, y in zip(*arms, strict=True)
    )
    truth = pop.mean_rating(pop.RATINGS[b]) - pop.mean_rating(pop.RATINGS[a])
    return tally("compare_means, clusters", label(a, b, icc), sizes, results, truth, null=a == b, continuous=True)


def single_means(sizes: tuple[int, int], a: str, b: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Difference of mean answers 1 to 5, one a person."""
    arms = [pop.ratings(rng, pop.RATINGS[s], 0, (pilots, n, 1))[:, :, 0] for s, n in zip((a, b), sizes, strict=True)]
    results = (ends(stats.compare_means(x, y)) for x, y in zip(*arms, strict=True))
    truth = pop.mean_rating(pop.RATINGS[b]) - pop.mean_rating(pop.RATINGS[a])
    return tally("compare_means, one answer", label(a, b), sizes, results, truth, null=a == b)


def ordinal(sizes: tuple[int, int], k: int, icc: float, a: str, b: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Probability of superiority."""
    arms = [pop.ratings(rng, pop.RATINGS[s], icc, (pilots, n, k)) for s, n in zip((a, b), sizes, strict=True)]
    people = [np.repeat(np.arange(n), k) for n in sizes]
    results = (
        ends(stats.compare_ordinal(x.ravel(), y.ravel(), clusters_a=people[0], clusters_b=people[1]))
        for x, y in zip(*arms, strict=True)
    )
    truth = pop.superiority(pop.RATINGS[a], pop.RATINGS[b])
    method = "compare_ordinal" + (", clusters" if k > 1 else "")
    return tally(method, label(a, b, icc), sizes, results, truth, null=a == b)


def paired(n: int, name: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Mean ratings of the same people in two rounds."""
    both = pop.ratings(rng, pop.RATINGS[name], 0.4, (pilots, n, 2 * 5))
    first, second = both[:, :, :5].mean(axis=2), both[:, :, 5:].mean(axis=2)
    results = (ends(stats.compare_paired(x, y)) for x, y in zip(first, second, strict=True))
    return tally("compare_paired", name, (n,), results, 0.0, null=True, continuous=True)


def one_mean(n: int, icc: float, name: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Mean rating of one arm, ten ratings a person."""
    people = np.repeat(np.arange(n), PER_PERSON)
    drawn = pop.ratings(rng, pop.RATINGS[name], icc, (pilots, n, PER_PERSON)).reshape(pilots, -1)
    results = (ends(stats.cluster_mean(x, people)) for x in drawn)
    truth = pop.mean_rating(pop.RATINGS[name])
    return tally("cluster_mean", label(name, name, icc), (n,), results, truth, continuous=True)


def one_answer(n: int, name: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Mean answer 1 to 5 of one arm, one a person."""
    drawn = pop.ratings(rng, pop.RATINGS[name], 0, (pilots, n, 1))[:, :, 0]
    results = (ends(stats.bounded_mean(x, low=1, high=5)) for x in drawn)
    return tally("bounded_mean", name, (n,), results, pop.mean_rating(pop.RATINGS[name]))


def click_rate(n: int, icc: float, rate: float, rng: np.random.Generator, pilots: int) -> Cell:
    """Clicks over impressions."""
    clicks, shown = clicks_of(rng, n, icc, rate, pilots)
    people = np.arange(n)
    results = (ends(stats.cluster_ratio(c, s, people)) for c, s in zip(clicks, shown, strict=True))
    return tally("cluster_ratio", f"rate {rate}, ICC {icc}", (n,), results, rate)


def two_rates(sizes: tuple[int, int], icc: float, rate: float, rng: np.random.Generator, pilots: int) -> Cell:
    """Difference of two click rates, as arms are compared by them; with few clicks no test uses its level up."""
    arms = [clicks_of(rng, n, icc, rate, pilots) for n in sizes]
    results = (
        ends(welch_of(*(ratio_sums(c.astype(float), s.astype(float)).linearised() for c, s in pair)))
        for pair in zip(*(zip(*arm, strict=True) for arm in arms), strict=True)
    )
    few = rate < 0.05
    return tally("click rates of two arms", f"rate {rate}, ICC {icc}", sizes, results, 0.0, null=True, exact=few)


def clicks_of(rng: np.random.Generator, n: int, icc: float, rate: float, pilots: int) -> tuple[pop.Ints, pop.Ints]:
    """Clicks and impressions, 5 to 20 a person, shape (pilots, n)."""
    strength = 1 / icc - 1
    shown = rng.integers(5, 21, (pilots, n))
    return rng.binomial(shown, rng.beta(rate * strength, (1 - rate) * strength, (pilots, n))), shown


def one_share(n: int, rate: float, rng: np.random.Generator, pilots: int) -> Cell:
    """Share of people."""
    known = lru_cache(maxsize=None)(lambda k: ends(stats.proportion(k, n)))
    return tally(
        "proportion", f"share {rate}", (n,), map(known, rng.binomial(n, rate, pilots).tolist()), rate, exact=True
    )


def two_shares(sizes: tuple[int, int], a: float, b: float, rng: np.random.Generator, pilots: int) -> Cell:
    """Difference of two shares."""
    known = lru_cache(maxsize=None)(lambda k: ends(stats.compare_proportions(k[0], sizes[0], k[1], sizes[1])))
    drawn = zip(*(rng.binomial(n, r, pilots).tolist() for n, r in zip(sizes, (a, b), strict=True)), strict=True)
    name = f"share {a}" if a == b else f"share {a} / {b}"
    return tally("compare_proportions", name, sizes, map(known, drawn), b - a, null=a == b, exact=True)


def quantile(n: int, q: float, rng: np.random.Generator, pilots: int) -> Cell:
    """Quantile of independent durations."""
    drawn = pop.durations(rng, 200, 0.0, (pilots, n, 1))[:, :, 0]
    results = (ends(stats.latency_quantile(x, q)) for x in drawn)
    few = n < np.log(0.025) / np.log(max(q, 1 - q))  # no order statistic bounds the quantile
    truth = pop.duration_quantile(200, 0.0, q)
    return tally("latency_quantile", f"p{100 * q:g}", (n,), results, truth, exact=True, degenerate=bool(few))


def alpha(n: int, questions: int, rng: np.random.Generator, pilots: int) -> Cell:
    """Reliability of equally good questions with normal answers."""
    tables = rng.normal(size=(pilots, n, 1)) + rng.normal(size=(pilots, n, questions))
    results = (ends(stats.cronbach_alpha(table)) for table in tables)
    truth = questions * 0.5 / (1 + (questions - 1) * 0.5)
    return tally("cronbach_alpha", f"{questions} questions", (n,), results, truth, continuous=True)


def omega(n: int, rng: np.random.Generator, pilots: int) -> Cell:
    """Reliability of four questions of unequal quality; with 20 people a Heywood case is common."""
    loadings = np.array([0.8, 0.7, 0.6, 0.75])
    noise = rng.normal(size=(pilots, n, 4)) * np.sqrt(1 - loadings**2)
    results = (ends(stats.mcdonald_omega(table)) for table in rng.normal(size=(pilots, n, 1)) * loadings + noise)
    truth = loadings.sum() ** 2 / (loadings.sum() ** 2 + (1 - loadings**2).sum())
    return tally("mcdonald_omega", "4 questions", (n,), results, truth, continuous=True, degenerate=n == 20)


def lopsided_alpha(n: int, name: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Cronbach's alpha of four questions with answers 1 to 5."""
    truth = stats.cronbach_alpha(pop.answers(np.random.default_rng(0), name, (1, 200_000))[0]).value
    results = (ends(stats.cronbach_alpha(table)) for table in pop.answers(rng, name, (pilots, n)))
    return tally("cronbach_alpha, answers 1 to 5", name, (n,), results, truth)


def lopsided_omega(n: int, name: str, rng: np.random.Generator, pilots: int) -> Cell:
    """McDonald's omega of the same; with 80 % fives Heywood cases are common."""
    truth = stats.mcdonald_omega(pop.answers(np.random.default_rng(0), name, (1, 200_000))[0]).value
    results = (ends(stats.mcdonald_omega(table)) for table in pop.answers(rng, name, (pilots, n)))
    few = n == 20 or (n == 50 and name == "80 % fives")
    return tally("mcdonald_omega, answers 1 to 5", name, (n,), results, truth, degenerate=few)


def lopsided_item(n: int, name: str, rng: np.random.Generator, pilots: int) -> Cell:
    """Correlation of the first of these questions with the sum of the others."""
    truth = stats.item_rest_correlations(pop.answers(np.random.default_rng(0), name, (1, 200_000))[0])[0].value
    results = (ends(stats.item_rest_correlations(table)[0]) for table in pop.answers(rng, name, (pilots, n)))
    return tally("item_rest_correlations, answers 1 to 5", name, (n,), results, truth)


def adjusted(sizes: tuple[int, int], r: float, rng: np.random.Generator, pilots: int) -> Cell:
    """Difference of means adjusted for a covariate with correlation r, more noise in b."""
    x = [rng.normal(size=(pilots, n)) for n in sizes]
    y = [r * c + s * np.sqrt(1 - r * r) * rng.normal(size=c.shape) for c, s in zip(x, (1, 1.5), strict=True)]
    results = (ends(stats.compare_means_adjusted(*row)) for row in zip(*y, *x, strict=True))
    return tally("compare_means_adjusted", f"r {r}", sizes, results, 0.0, null=True, continuous=True)


def crossover(sizes: tuple[int, int], rng: np.random.Generator, pilots: int) -> Cell:
    """Crossover with an effect of the period; sizes are the people in each sequence."""
    n = sum(sizes)
    first = np.arange(n) < sizes[0]
    a, b = rng.normal(size=(2, pilots, n)) + 0.5 * np.stack([~first, first])[:, None, :]
    results = (ends(stats.compare_crossover(x, y, first).effect) for x, y in zip(a, b, strict=True))
    return tally("compare_crossover", "normal, period effect", sizes, results, 0.0, null=True, continuous=True)


def peeking(planned: int, skewed: bool, rng: np.random.Generator, pilots: int) -> Cell:
    """Twenty looks at a running pilot without a difference: rejected if any look rejects."""
    shape = pop.RATINGS["80 % fives" if skewed else "spread"]
    a, b = (pop.ratings(rng, shape, 0.3, (pilots, planned, 5)).mean(axis=2) for _ in range(2))
    looks = np.unique(np.linspace(30, planned, 20).astype(int))
    results = (first_alarm(x, y, looks, planned) for x, y in zip(a, b, strict=True))
    name = f"{'80 % fives' if skewed else 'spread'}, 20 looks from 30"
    return tally("monitor", name, (planned, planned), results, None, null=True, monitored=True)


def first_alarm(a: pop.Floats, b: pop.Floats, looks: Any, planned: int) -> tuple[None, None, float | None]:
    """Smallest p of all looks; None when every look is refused."""
    p = [found.p for n in looks if (found := stats.monitor(a[:n], b[:n], planned_n=planned)).p is not None]
    return None, None, min(p) if p else None


def label(a: str, b: str, icc: float | None = None) -> str:
    """Name of a pair of populations."""
    name = a if a == b else f"{a} / {b}"
    return name if icc is None else f"{name}, ICC {icc:g}"
