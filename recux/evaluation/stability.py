"""How reliably the recommender answers: response times, failures, and the objectives that were set for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recux.evaluation.figure import FigureValue, figure
from recux.stats import cluster_ratio, latency_quantile, proportion

QUANTILES = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
FAILURE = "Share of calls that ended in an error or a timeout"
AVAILABILITY = "Share of calls that were answered"


@dataclass(frozen=True, slots=True)
class Objective:
    """A limit that an admin set, against what was measured."""

    name: str
    target: float
    """The largest value that is fine, in milliseconds or as a share."""
    value: float | None
    """None when the figure is not estimable."""
    ok: bool | None
    """Whether the value is within the target; None when there is no value."""
    certain: bool
    """Whether the whole interval is on the same side of the target."""


def figures(requests: pd.DataFrame) -> dict[str, FigureValue]:
    """p50, p95 and p99 of the duration of all calls in milliseconds, failure rate and availability as shares."""
    durations = requests["duration_ms"].to_numpy()
    found = {name: figure(latency_quantile(durations, q), within_words(q)) for name, q in QUANTILES.items()}
    failed = requests["failed"].to_numpy(dtype=np.float64)
    return {
        **found,
        "failure_rate": _share(failed, requests, FAILURE),
        "availability": _share(1 - failed, requests, AVAILABILITY),
    }


def within_words(q: float) -> str:
    """What a quantile of durations is."""
    return f"{q:.0%} of calls were answered or had failed within this, in ms"


def calls_words(what: str) -> str:
    """What a share of calls is that were made for nobody known."""
    return f"{what}; n = calls"


def people_words(what: str) -> str:
    """What a share of calls is whose people are known."""
    return f"{what}; n = people they were made for"


def objectives(targets: Mapping[str, float], found: Mapping[str, FigureValue]) -> list[Objective]:
    """Each objective of the study (``p95_ms``, ``failure_rate``: not above; ``availability``: not below)."""
    return [_objective(name, target, found[name]) for name, target in sorted(targets.items()) if name in found]


def _share(events: np.ndarray[tuple[int], np.dtype[np.float64]], requests: pd.DataFrame, what: str) -> FigureValue:
    """Calls of one person resemble each other; those made for nobody known count as independent."""
    person = requests["participant"].to_numpy()
    if not person.any():
        return figure(proportion(int(events.sum()), len(events)), calls_words(what))
    cluster = np.where(person > 0, person, -requests["id"].to_numpy())
    codes, unique = pd.factorize(cluster, sort=True)
    totals, sizes = np.bincount(codes, weights=events), np.bincount(codes).astype(np.float64)
    return figure(cluster_ratio(totals, sizes, unique), people_words(what))


def _objective(name: str, target: float, measured: FigureValue) -> Objective:
    value, low, high = measured.value, measured.ci_low, measured.ci_high
    if value is None or low is None or high is None:
        return Objective(name, target, None, None, certain=False)
    if name == "availability":  # the only one where more is better
        return Objective(name, target, value, value >= target, certain=low >= target or high < target)
    return Objective(name, target, value, value <= target, certain=high <= target or low > target)
