"""Slow and failing arms, a broken objective, and whether slowness shows in the ratings."""

import numpy as np
import pandas as pd
from scipy import stats

from recux.stats import Difference, compare_means, compare_proportions, latency_quantile, proportion
from recux.suggest import family
from recux.suggest.finding import Finding, from_difference, from_estimate, ids_of
from recux.suggest.frames import Evidence, Flags, Floats, Ints, floats, integers

FEWEST = 8
"""Independent units (people, or requests that name nobody) in each arm."""
FEWEST_TIED = 20
"""People for the tie between response time and ratings."""


def service(e: Evidence) -> list[Finding]:
    """All tests of the recommender's service, sharing their part of the budget."""
    if e.requests.empty:
        return []
    units = _units(e)
    found = [*_slow(e, units), *_failing(e, units), *_tie_to_ratings(e)]
    return [*family.equal_shares(found, family.SERVICE), *_objective(e)]


def _units(e: Evidence) -> pd.DataFrame:
    """One row a unit: arm, log of the typical duration, duration in ms, whether any call failed, rows."""
    r = e.requests
    person = integers(r["person"])
    alone = -1 - np.arange(len(r))  # a request that names nobody is a unit of its own
    failed = r["failed"].to_numpy(dtype=bool)
    duration = floats(r["duration_ms"])
    table = pd.DataFrame(
        {
            "unit": np.where(person >= 0, person, alone),
            "arm": integers(r["arm"]),
            "log_ms": np.where(failed, np.nan, np.log(np.maximum(duration, 0.1))),
            "ms": np.where(failed, np.nan, duration),
            "failed": failed,
        }
    )
    return table.groupby(["unit", "arm"], as_index=False).agg(
        log_ms=("log_ms", "mean"), ms=("ms", "mean"), failed=("failed", "max"), rows=("failed", "size")
    )


def _slow(e: Evidence, units: pd.DataFrame) -> list[Finding]:
    timed = units[units["log_ms"].notna()]
    arms = integers(timed["arm"])
    found = []
    for arm in range(1, len(e.arms)):
        a, b = arms == 0, arms == arm
        if min(a.sum(), b.sum()) < FEWEST:
            continue
        # the test runs on logs, as durations have long tails; the size of the difference is told in milliseconds
        log_ms, ms = floats(timed["log_ms"]), floats(timed["ms"])
        slower, other, x, y = (arm, 0, a, b) if log_ms[b].mean() >= log_ms[a].mean() else (0, arm, b, a)
        finding = _slow_finding(e, (slower, other), compare_means(ms[x], ms[y]), compare_means(log_ms[x], log_ms[y]))
        found.extend([finding] if finding else [])
    return found


def _slow_finding(e: Evidence, pair: tuple[int, int], size: Difference, test: Difference) -> Finding | None:
    arm, other = pair
    finding = from_difference(
        size,
        kind="slow_arm",
        metric="typical_ms",
        definition="mean response time of the slower arm minus that of the other in ms, each person counting once",
        where={"arm": e.arm_key(arm), "control": e.arm_key(other)},
        facts={**_p95(e, arm, other), "times": float(np.exp(test.difference)) if test.difference is not None else 1.0},
        ids={"requests": ids_of(_slowest(e, arm))},
    )
    return None if finding is None or test.p is None else finding.tested(test.p, 0.0)


def _p95(e: Evidence, arm: int, other: int) -> dict[str, float | None]:
    arms, durations = integers(e.requests["arm"]), floats(e.requests["duration_ms"])
    return {
        "p95_arm": latency_quantile(durations[arms == arm], 0.95).value,
        "p95_control": latency_quantile(durations[arms == other], 0.95).value,
    }


def _slowest(e: Evidence, arm: int) -> Ints:
    ours = e.requests[integers(e.requests["arm"]) == arm]
    return integers(ours.nlargest(100, "duration_ms")["id"])


def _failing(e: Evidence, units: pd.DataFrame) -> list[Finding]:
    arms, failed = integers(units["arm"]), units["failed"].to_numpy(dtype=bool)
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
            ids={"requests": ids_of(_failures(e, integers(e.requests["arm"]) == worse))},
        )
        found.extend([finding] if finding else [])
    return found


def _failures(e: Evidence, rows: Flags) -> Ints:
    return integers(e.requests.loc[rows & e.requests["failed"].to_numpy(dtype=bool), "id"])


def _tie_to_ratings(e: Evidence) -> list[Finding]:
    """Slope of the mean rating on the log of the typical response time, between people of the same arm."""
    log_ms = _typical_log(e)
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
            ids={"requests": ids_of(e.requests.nlargest(100, "duration_ms")["id"])},
        )
    ]


def _typical_log(e: Evidence) -> Floats:
    r = e.requests[~e.requests["failed"].astype(bool) & (integers(e.requests["person"]) >= 0)]
    values = np.log(np.maximum(floats(r["duration_ms"]), 0.1))
    person = integers(r["person"])
    n = np.bincount(person, minlength=e.n)
    return np.where(n > 0, np.bincount(person, weights=values, minlength=e.n) / np.maximum(n, 1), np.nan)


def _within_arm(values: Floats, arm: np.ndarray) -> Floats:
    _, codes = np.unique(arm, return_inverse=True)
    means = np.bincount(codes, weights=values) / np.maximum(np.bincount(codes), 1)
    return np.asarray(values - means[codes])


def _objective(e: Evidence) -> list[Finding]:
    """The p95 objective, when the whole interval of the p95 lies above it."""
    target = e.objectives.get("p95_ms")
    if target is None:
        return []
    found = latency_quantile(floats(e.requests["duration_ms"]), 0.95)
    if found.value is None or found.ci_low is None or found.ci_high is None or found.ci_low <= target:
        return []
    slow = floats(e.requests["duration_ms"]) > target
    finding = from_estimate(
        proportion(int(slow.sum()), len(slow)),
        kind="objective",
        metric="slow_share",
        definition=f"share of requests slower than the objective of {target:g} ms; 5 % are allowed",
        where={"over_ms": f"{target:g}"},
        facts={"p95": found.value, "p95_low": found.ci_low, "p95_high": found.ci_high, "target": target},
        ids={"requests": ids_of(e.requests.loc[slow, "id"])},
    )
    return [finding] if finding else []
