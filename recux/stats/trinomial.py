"""Score test of the difference of two means of values 1, 0, -1 (promoter, passive, detractor).

The variance is the one under the hypothesis: the likeliest pair of distributions whose means differ by exactly delta
(Miettinen and Nurminen 1985, for two groups instead of three). Unlike Wald's it does not vanish for lopsided answers.
"""

from math import copysign, inf, sqrt

from scipy import optimize

Counts = tuple[float, float, float]

SMALL = 1e-9
ALIKE = 0.85
TRACE = 1e-4  # of an answer in every group: keeps a group that nobody chose possible, and moves nothing visible


def score(a: Counts, b: Counts, delta: float) -> float:
    """Standardised distance of the observed difference of means, b - a, from `delta`; standard normal if it is true."""
    distance = mean(b) - mean(a) - delta
    if abs(distance) < SMALL:
        return 0.0
    if abs(delta) >= 2 - 2 * SMALL:
        return copysign(inf, distance)
    variance = _constrained(a, b, delta)
    if _one_sided(a, b) and abs(delta) < (seen := abs(mean(b) - mean(a))):
        variance -= (1 - abs(delta) / seen) * max(0.0, _constrained(a, b, 0.0) - _pooled(a, b))
    return distance / sqrt(max(variance, 1e-15))


def _constrained(a: Counts, b: Counts, delta: float) -> float:
    """Variance of the difference under the likeliest pair of distributions whose means differ by `delta`."""
    n_a, n_b = sum(a), sum(b)
    low, high = max(-1.0, -1.0 - delta) + SMALL, min(1.0, 1.0 - delta) - SMALL
    seen_a, seen_b = (tuple(c + TRACE for c in counts) for counts in (a, b))
    centre = _likeliest_mean(seen_a, seen_b, delta, (low, high))
    variance = tilted(seen_a, centre)[1] / n_a + tilted(seen_b, centre + delta)[1] / n_b
    return variance * (n_a + n_b) / (n_a + n_b - 1)


def _pooled(a: Counts, b: Counts) -> float:
    """Variance of the difference if both arms answer alike."""
    n_a, n_b = sum(a), sum(b)
    first, _, last = ((x + y) / (n_a + n_b) for x, y in zip(a, b, strict=True))
    return (first + last - (first - last) ** 2) * (1 / n_a + 1 / n_b)


def _one_sided(a: Counts, b: Counts) -> bool:
    """Arms of similar size in which nearly everybody answers alike.

    The likeliest pair then has answers that nobody gave, and its variance is twice what it should be: the test hardly
    ever rejects. Equal arms forgive the pooled variance their different shapes, so it is used near no difference.
    """
    sizes = sorted((sum(a), sum(b)))
    return sizes[1] < 2 * sizes[0] and max(x + y for x, y in zip(a, b, strict=True)) >= ALIKE * sum(sizes)


def score_interval(a: Counts, b: Counts, quantile: float) -> tuple[float, float]:
    """All differences whose score lies within +-`quantile`, from -2 to 2."""
    difference = mean(b) - mean(a)
    low = _end(a, b, difference, -2.0, quantile)
    return low, _end(a, b, difference, 2.0, -quantile)


def mean(counts: Counts) -> float:
    """Mean of the values 1, 0, -1."""
    return (counts[0] - counts[2]) / sum(counts)


def tilted(counts: tuple[float, ...], mu: float) -> tuple[float, float]:
    """Slope of the log-likelihood at mean `mu` and the variance there, of the likeliest distribution with that mean.

    It has p_i = counts_i / (n + slope (x_i - mu)); that the p_i (x_i - mu) add up to 0 is a quadratic in the slope.
    """
    n, gaps = sum(counts), (1.0 - mu, -mu, -1.0 - mu)
    weighted = [count * gap for count, gap in zip(counts, gaps, strict=True)]
    square = n * gaps[0] * gaps[1] * gaps[2]
    linear = n * sum(w * (-3.0 * mu - gap) for w, gap in zip(weighted, gaps, strict=True))
    constant = n * n * sum(weighted)
    root = sqrt(max(linear * linear - 4 * square * constant, 0.0))
    # the branch through mu = 0, written so that nothing cancels
    slope = 2 * constant / (root - linear) if linear <= 0 else -(linear + root) / (2 * square)
    first, _, last = (count / (n + slope * gap) for count, gap in zip(counts, gaps, strict=True))
    return slope, first + last - mu * mu


def _likeliest_mean(a: tuple[float, ...], b: tuple[float, ...], delta: float, ends: tuple[float, float]) -> float:
    """Mean of a where the likelihood of both arms is highest; its slope only falls, so an end may be the answer."""

    def slope(mu: float) -> float:
        return tilted(a, mu)[0] + tilted(b, mu + delta)[0]

    if slope(ends[0]) <= 0:
        return ends[0]
    return ends[1] if slope(ends[1]) >= 0 else float(optimize.brentq(slope, *ends, xtol=1e-12))


def _end(a: Counts, b: Counts, difference: float, limit: float, quantile: float) -> float:
    edge = copysign(abs(limit) - 1e-6, limit)
    if abs(difference) >= abs(edge) and difference * limit > 0:
        return limit
    return float(optimize.brentq(lambda delta: score(a, b, delta) - quantile, difference, edge, xtol=1e-9))
