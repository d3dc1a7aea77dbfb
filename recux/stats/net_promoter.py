"""Net promoter score: percentage of promoters (9-10) minus percentage of detractors (0-6), from -100 to 100."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from recux.stats.arrays import answers, choice
from recux.stats.distributions import critical_z, two_sided_z
from recux.stats.results import Difference, no_difference
from recux.stats.trinomial import score, score_interval

COMPARE = "score test"


@dataclass(frozen=True, slots=True)
class Nps:
    """The net promoter score of one group."""

    value: float | None
    """Promoters minus detractors in per cent of the answers, -100 to 100; None when not estimable."""
    ci_low: float | None
    """Lower end of the interval, clipped at -100; None when `value` is."""
    ci_high: float | None
    """Upper end of the interval, clipped at 100; None when `value` is."""
    se: float | None
    """Standard error of `value` without adjustment, 100 sqrt((p + d - (p - d)^2) / n); None when `value` is."""
    n: int
    """Answers given; skipped ones are not counted."""
    promoters: int
    """Answers of 9 or 10."""
    passives: int
    """Answers of 7 or 8."""
    detractors: int
    """Answers of 0 to 6."""
    method: str
    """Name of the interval's method."""
    reason: str | None = None
    """Why the score is not estimable; None when it is."""


def nps(scores: Iterable[int | None], *, method: str = "adjusted_wald", level: float = 0.95) -> Nps:
    """Net promoter score with its interval.

    `scores` are whole numbers 0 to 10; None, NaN and NA = skipped. `adjusted_wald` adds 3 answers (3/4, 3/2, 3/4)
    before the interval is computed (Rocks 2016, Interval estimation for the "net promoter score", The American
    Statistician 70); `wald` does not, and is not estimable when all answers fall in one group, as a single one does.

    Raises StatisticsError for a score that is not a whole number from 0 to 10.
    """
    choice(method, "method", ("adjusted_wald", "wald"))
    return nps_of_counts(nps_counts(scores), method=method, level=level)


def nps_of_counts(counts: tuple[int, int, int], *, method: str = "adjusted_wald", level: float = 0.95) -> Nps:
    """`nps` from the numbers of promoters, passives and detractors."""
    promoters, passives, detractors = counts
    n = sum(counts)
    if n == 0 or (n == 1 and method == "wald"):
        reason = "nobody answered" if n == 0 else "one answer has no interval"
        return Nps(None, None, None, None, n, *counts, method, reason)
    value, variance = _moments(promoters, detractors, n)
    if method == "wald" and variance == 0:
        reason = "all answers are in one group: use adjusted_wald"
        return Nps(None, None, None, None, n, *counts, method, reason)
    extra = 0.75 if method == "adjusted_wald" else 0.0
    centre, spread = _moments(promoters + extra, detractors + extra, n + 4 * extra)
    half = critical_z(level) * sqrt(spread)
    # at low levels the adjusted interval may not reach the score of a lopsided group
    low, high = 100 * max(-1.0, min(value, centre - half)), 100 * min(1.0, max(value, centre + half))
    return Nps(100 * value, low, high, 100 * sqrt(variance), n, promoters, passives, detractors, method)


def nps_counts(scores: Iterable[int | None]) -> tuple[int, int, int]:
    """Promoters, passives and detractors among the given answers (None = skipped)."""
    given = answers(scores, "scores", low=0, high=10)
    promoters, detractors = int((given >= 9).sum()), int((given <= 6).sum())
    return promoters, len(given) - promoters - detractors, detractors


def _moments(promoters: float, detractors: float, n: float) -> tuple[float, float]:
    """Mean and variance of the mean of n values -1, 0, 1."""
    mean = (promoters - detractors) / n
    return mean, max(0.0, (promoters + detractors) / n - mean * mean) / n


def compare_nps(a: Iterable[int | None], b: Iterable[int | None], *, level: float = 0.95) -> Difference:
    """Difference of two net promoter scores, b - a, from -200 to 200, with interval and p-value.

    Score test and its inversion (recux.stats.trinomial): the variance is that under the hypothesis, so that interval
    and p agree and lopsided answers do not look certain. Plain Wald and Welch cover as little as .89 with 90 %
    promoters and unequal arms. `se` is the plain standard error. Raises StatisticsError for a score off 0 to 10.
    """
    return compare_nps_counts(nps_counts(a), nps_counts(b), level=level)


def compare_nps_counts(
    counts_a: tuple[int, int, int], counts_b: tuple[int, int, int], *, level: float = 0.95
) -> Difference:
    """`compare_nps` from the numbers of promoters, passives and detractors of each arm."""
    n_a, n_b = sum(counts_a), sum(counts_b)
    if min(n_a, n_b) < 2:
        return no_difference("an arm has fewer than two answers", n_a=n_a, n_b=n_b, method=COMPARE)
    quantile = critical_z(level)
    low, high = score_interval(counts_a, counts_b, quantile)
    p = two_sided_z(score(counts_a, counts_b, 0.0))
    (value_a, var_a), (value_b, var_b) = (_moments(c[0], c[2], sum(c)) for c in (counts_a, counts_b))
    return Difference(100 * (value_b - value_a), 100 * low, 100 * high, p, n_a, n_b, COMPARE, 100 * sqrt(var_a + var_b))
