"""Slow and failing arms, a broken objective, and whether slowness shows in the ratings."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from recux.stats import Difference, compare_means, compare_proportions, latency_quantile, proportion
from recux.suggest import family
from recux.suggest.columns import Flags, Floats, Ints, floats, integers, mean_by
from recux.suggest.finding import MOST_IDS, Finding, from_difference, from_estimate, ids_of
from recux.suggest.frames import Evidence

FEWEST = 8
"""Independent units (people, or requests that name nobody) in each arm."""
FEWEST_TIED = 20
"""People for the tie between response time and ratings."""


@dataclass(frozen=True, eq=False)
class Calls:
    """The requests and their independent units: people within an arm, and requests that name nobody."""

    id: Ints
    arm: Ints
    duration: Floats
    failed: Flags
    unit_arm: Ints
    """Arm of each unit, shape (units,); so are the next three."""
    log_ms: Floats
    """Mean log of the durations of a unit's calls that came back, NaN for none."""
    ms: Floats
    """Their mean, in ms."""
    any_failed: Flags
    named: Floats
    """Mean log of the durations of each person's calls that came back, NaN for none, shape (people,)."""


def service(e: Evidence) -> list[Finding]:
    """All tests of the recommender's service, sharing their part of the budget."""
    if e.requests.empty:
        return []
    calls = _calls(e)
    found = [*_slow(e, calls), *_failing(e, calls), *_tie_to_ratings(e, calls)]
    return [*family.equal_shares(found, family.SERVICE), *_objectives(e, calls)]


def _calls(e: Evidence) -> Calls:
    arm, person = integers(e.requests["arm"]), integers(e.requests["person"])
    duration = floats(e.requests["duration_ms"])
    failed = e.requests["failed"].to_numpy(dtype=bool)
    alone = person < 0  # a request that names nobody is a unit of its own
    width = len(e.arms) + 1
    cell = np.where(alone, e.n * width + np.cumsum(alone) - 1, person * width + arm + 1)
    size = e.n * width + int(alone.sum())
    used = np.flatnonzero(np.bincount(cell, minlength=size))
    unit_arm = np.empty(size, dtype=np.int64)
    unit_arm[cell] = arm
    log_ms, back = np.log(np.maximum(duration, 0.1)), np.where(failed, -1, cell)
    return Calls(
        id=integers(e.requests["id"]),
        arm=arm,
        duration=duration,
        failed=failed,
        unit_arm=unit_arm[used],
        log_ms=mean_by(back, log_ms, size)[used],
        ms=mean_by(back, duration, size)[used],
        any_failed=np.bincount(cell[failed], minlength=size)[used] > 0,
        named=mean_by(np.where(failed, -1, person), log_ms, e.n),
    )


def _slow(e: Evidence, calls: Calls) -> list[Finding]:
    timed = ~np.isnan(calls.log_ms)
    arms, log_ms, ms = calls.unit_arm[timed], calls.log_ms[timed], calls.ms[timed]
    found = []
    for arm in range(1, len(e.arms)):
        a, b = arms == 0, arms == arm
        if min(a.sum(), b.sum()) < FEWEST:
            continue
        # the test runs on logs, as durations have long tails; the size of the difference is told in milliseconds
        slower, other, x, y = (arm, 0, a, b) if log_ms[b].mean() >= log_ms[a].mean() else (0, arm, b, a)
        tests = compare_means(ms[x], ms[y]), compare_means(log_ms[x], log_ms[y])
        finding = _slow_finding(e, calls, (slower, other), *tests)
        found.extend([finding] if finding else [])
    return found


def _slow_finding(
    e: Evidence, calls: Calls, pair: tuple[int, int], size: Difference, test: Difference
) -> Finding | None:
    arm, other = pair
    finding = from_difference(
        size,
        kind="slow_arm",
        metric="typical_ms",
        definition="mean response time of the slower arm minus that of the other in ms, each person counting once",
        where={"arm": e.arm_key(arm), "control": e.arm_key(other)},
        facts={**_p95(calls, arm, other), "times": float(np.exp(test.difference or 0.0))},
        ids={"requests": ids_of(_slowest(calls, calls.arm == arm))},
    )
    return None if finding is None or test.p is None else finding.tested(test.p, 0.0)


def _p95(calls: Calls, arm: int, other: int) -> dict[str, float | None]:
    return {
        "p95_arm": latency_quantile(calls.duration[calls.arm == arm], 0.95).value,
        "p95_control": latency_quantile(calls.duration[calls.arm == other], 0.95).value,
    }


def _slowest(calls: Calls, rows: Flags) -> Ints:
    """Ids of the slowest of these calls, slowest first."""
    chosen = np.flatnonzero(rows)
    durations = calls.duration[chosen]
    if len(chosen) > MOST_IDS:
        chosen = chosen[durations >= np.partition(durations, -MOST_IDS)[-MOST_IDS]]
    return calls.id[chosen[np.argsort(-calls.duration[chosen], kind="stable")]][:MOST_IDS]


def _failing(e: Evidence, calls: Calls) -> list[Finding]:
    arms, failed = calls.unit_arm, calls.any_failed
    found = []
    for arm in range(1, len(e.arms)):
        a, b = arms == 0, arms == arm
        if min(a.sum(), b.sum()) < FEWEST:
            continue
        worse, other, x, y = (arm, 0, a, b) if failed[b].mean() >= failed[a].mean() else (0, arm, b, a)
        compared = compare_proportions(int(failed[x].sum()), int(x.sum()), int(failed[y].sum()), int(y.sum()))
        finding = from_difference(
            compared,
            kind="failing_arm",
            metric="any_failure",
            definition="share of people with a failed request in the worse arm, minus that in the other",
            where={"arm": e.arm_key(worse), "control": e.arm_key(other)},
            facts={"share_arm": float(failed[y].mean()), "share_control": float(failed[x].mean())},
            ids={"requests": ids_of(calls.id[(calls.arm == worse) & calls.failed])},
        )
        found.extend([finding] if finding else [])
    return found


def _tie_to_ratings(e: Evidence, calls: Calls) -> list[Finding]:
    """Slope of the mean rating on the log of the typical response time, between people of the same arm."""
    log_ms = calls.named
    rated = e.person_mean
    known = ~np.isnan(log_ms) & ~np.isnan(rated) & (e.arm_of_person >= 0)
    x, y = (_within_arm(values[known], e.arm_of_person[known]) for values in (log_ms, rated))
    n, groups = int(known.sum()), len(np.unique(e.arm_of_person[known]))
    df = n - groups - 1
    if n < FEWEST_TIED or df < 1 or x.std() < 1e-9 or y.std() < 1e-9:
        return []
    slope = float((x * y).sum() / (x * x).sum())
    residual = y - slope * x
    # heteroscedasticity-consistent (HC3-like) standard error
    se = float(np.sqrt(((x * residual) ** 2).sum()) / (x * x).sum() * np.sqrt(n / df))
    half, p = float(stats.t.ppf(0.975, df)) * se, float(2 * stats.t.sf(abs(slope) / se, df))
    saved = float(x.std())
    return [
        Finding(
            kind="slowness",
            metric="mean_rating",
            value=slope * saved,
            low=(slope - half) * saved,
            high=(slope + half) * saved,
            n=n,
            definition="change of the mean rating with one standard deviation of log response time, within arms",
            method="least squares within arms, robust standard error",
            p=p,
            facts={"spread": float(np.exp(saved))},
            ids={"requests": ids_of(_slowest(calls, np.ones(len(calls.id), dtype=bool)))},
        )
    ]


def _within_arm(values: Floats, arm: np.ndarray) -> Floats:
    _, codes = np.unique(arm, return_inverse=True)
    means = np.bincount(codes, weights=values) / np.maximum(np.bincount(codes), 1)
    return np.asarray(values - means[codes])


def _objectives(e: Evidence, calls: Calls) -> list[Finding]:
    """The objectives that are missed for sure: the whole interval lies above them."""
    return [*_too_slow(e.objectives.get("p95_ms"), calls), *_too_often_failing(e.objectives.get("failure_rate"), calls)]


def _too_slow(target: float | None, calls: Calls) -> list[Finding]:
    if target is None:
        return []
    found = latency_quantile(calls.duration, 0.95)
    if found.value is None or found.ci_low is None or found.ci_high is None or found.ci_low <= target:
        return []
    slow = calls.duration > target
    finding = from_estimate(
        proportion(int(slow.sum()), len(slow)),
        kind="objective",
        metric="slow_share",
        definition=f"share of requests slower than the objective of {target:g} ms; 5 % are allowed",
        where={"over_ms": f"{target:g}"},
        facts={"p95": found.value, "p95_low": found.ci_low, "p95_high": found.ci_high, "target": target},
        ids={"requests": ids_of(_slowest(calls, slow))},
    )
    return [finding] if finding else []


def _too_often_failing(target: float | None, calls: Calls) -> list[Finding]:
    finding = from_estimate(
        proportion(int(calls.failed.sum()), len(calls.failed)),
        kind="objective",
        metric="failure_rate",
        definition="share of requests that failed or timed out",
        where={"objective": "failure_rate"},
        facts={"target": target},
        ids={"requests": ids_of(calls.id[calls.failed])},
    )
    return [finding] if finding and target is not None and finding.low > target else []
