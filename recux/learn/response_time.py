"""The response-time model: quantiles of a request's duration and its chance to fail, from what is known beforehand.

Gradient-boosted trees of scikit-learn. The saved folder holds a joblib file, which can run code when it is loaded:
load only folders that your own recux wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recux.learn.errors import ModelUnreadable, TooFewExamples
from recux.learn.examples import RequestExample
from recux.learn.metrics import Groups, Measure, binary_measures, measure
from recux.learn.saved import about, new_folder, publish, write_about
from recux.learn.splits import Split

Array = NDArray[np.float64]
QUANTILES = (0.5, 0.9, 0.95, 0.99)
MIN_REQUESTS = 100
MIN_FAILURES = 5
CATEGORIES = 30
"""Most values of a category that are told apart; the rarest share one."""


@dataclass(frozen=True)
class ResponseTime:
    """Trees for each quantile of log-duration, and for failure where there was any."""

    levels: dict[str, list[str]]
    """Known values of each category."""
    quantiles: dict[float, Any]
    failure: Any
    """A classifier, or the share of failures."""
    name: str = "gradient_boosting"

    def predict(self, requests: Sequence[RequestExample]) -> dict[str, Array]:
        """``p50``, ``p90``, ``p95``, ``p99`` in milliseconds, never falling, and ``failure`` as a probability."""
        design = features(requests, self.levels)
        logs = np.stack([self.quantiles[q].predict(design) for q in QUANTILES], 1)
        ms = np.expm1(np.maximum.accumulate(logs, axis=1))
        failing = (
            np.full(len(requests), self.failure)
            if isinstance(self.failure, float)
            else self.failure.predict_proba(design)[:, 1]
        )
        return {f"p{round(q * 100)}": ms[:, i] for i, q in enumerate(QUANTILES)} | {"failure": failing}


@dataclass(frozen=True)
class OverallQuantiles:
    """The baseline: the training requests' own quantiles and share of failures, for every request."""

    values: dict[str, float] = field(default_factory=dict)
    name: str = "overall_quantiles"

    def predict(self, requests: Sequence[RequestExample]) -> dict[str, Array]:
        """As ``ResponseTime.predict``."""
        return {k: np.full(len(requests), v) for k, v in self.values.items()}


def features(requests: Sequence[RequestExample], levels: dict[str, list[str]]) -> Array:
    """Slate size and hour (-1 when unknown), and the categories as codes (unknown ones NaN), (n, 5)."""
    codes = {name: {v: i for i, v in enumerate(values)} for name, values in levels.items()}
    rows = []
    for r in requests:
        numbers = [
            -1.0 if v is None else float(v) for v in (r.slate_size, r.hour)
        ]  # a column of NaN alone breaks trees
        rows.append(numbers + [codes[name].get(getattr(r, name), np.nan) for name in ("arm", "endpoint", "category")])
    return np.array(rows, dtype=float).reshape(len(rows), 5)


def levels_of(requests: Sequence[RequestExample]) -> dict[str, list[str]]:
    """The most frequent values of each category."""
    from collections import Counter

    names = ("arm", "endpoint", "category")
    return {n: [v for v, _ in Counter(getattr(r, n) for r in requests).most_common(CATEGORIES)] for n in names}


def fit_response_time(requests: Sequence[RequestExample], *, seed: int = 0) -> ResponseTime:
    """Fit on the training side; failed requests teach failure only. Raises ``TooFewExamples`` below 100 requests."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    taught = [r for r in requests if r.split == "train"]
    ok = [r for r in taught if not r.failed]
    if len(ok) < MIN_REQUESTS:
        raise TooFewExamples(
            f"{len(ok)} successful requests on the training side, at least {MIN_REQUESTS} needed for response times;"
            " import more of the recommender's log"
        )
    levels = levels_of(taught)
    shape: dict[str, Any] = {
        "max_iter": 100,
        "max_leaf_nodes": 15,
        "min_samples_leaf": 20,
        "learning_rate": 0.1,
        "random_state": seed,
        "categorical_features": [2, 3, 4],
    }
    design, logs = features(ok, levels), np.log1p([r.duration_ms for r in ok])
    fitted = {
        q: HistGradientBoostingRegressor(loss="quantile", quantile=q, **shape).fit(design, logs) for q in QUANTILES
    }
    failures = sum(r.failed for r in taught)
    failure: Any = (failures + 1) / (len(taught) + 2)
    if failures >= MIN_FAILURES:
        model = HistGradientBoostingClassifier(**shape | {"max_iter": 50})
        failure = model.fit(features(taught, levels), [r.failed for r in taught])
    return ResponseTime(levels, fitted, failure)


def fit_overall(requests: Sequence[RequestExample]) -> OverallQuantiles:
    """The baseline on the training side."""
    taught = [r for r in requests if r.split == "train"]
    ms = np.array([r.duration_ms for r in taught if not r.failed])
    values = {f"p{round(q * 100)}": float(np.quantile(ms, q)) for q in QUANTILES} if len(ms) else {}
    return OverallQuantiles(values | {"failure": (sum(r.failed for r in taught) + 1) / (len(taught) + 2)})


def evaluate_response_time(
    model: ResponseTime | OverallQuantiles,
    requests: Sequence[RequestExample],
    *,
    split: Split = "heldout",
    seed: int = 0,
) -> dict[str, Measure]:
    """Measures on one side.

    Of successful requests ``pinball`` (mean over quantiles, in ms), ``mae`` of p50 in ms and ``coverage_pNN``; of all
    requests ``auc``, ``brier`` and ``failure_log_loss`` of the chance to fail.
    """
    tested = [r for r in requests if r.split == split]
    ok = [r for r in tested if not r.failed]
    if not ok:
        return {"pinball": Measure(None, reason="no successful requests on the held-out side yet")}
    p = model.predict(ok)
    ms = np.array([r.duration_ms for r in ok])
    groups = Groups.of([r.participant for r in ok], seed)
    people = groups.draws.shape[1]
    losses = [np.maximum(q * (ms - p[n]), (q - 1) * (ms - p[n])) for q, n in zip(QUANTILES, names(), strict=True)]
    found = {
        "pinball": measure(groups.mean(np.mean(losses, 0)), len(ok), people, "mean quantile loss of p50 to p99, in ms"),
        "mae": measure(groups.mean(np.abs(ms - p["p50"])), len(ok), people, "mean distance from predicted p50, in ms"),
    }
    for name in names():
        share = groups.mean((ms <= p[name]).astype(float))
        found[f"coverage_{name}"] = measure(share, len(ok), people, f"share of durations up to the predicted {name}")
    return found | failure_measures(model, tested, seed)


def failure_measures(
    model: ResponseTime | OverallQuantiles, tested: Sequence[RequestExample], seed: int
) -> dict[str, Measure]:
    """How well failures are foreseen."""
    failed = np.array([r.failed for r in tested], dtype=float)
    p = model.predict(tested)["failure"]
    measures = binary_measures(p, failed, [r.participant for r in tested], seed=seed)
    return {"failure_log_loss": measures["log_loss"], "auc": measures["auc"], "brier": measures["brier"]}


def names() -> list[str]:
    """``p50``, ``p90``, ``p95``, ``p99``."""
    return [f"p{round(q * 100)}" for q in QUANTILES]


def save_response_time(model: ResponseTime | OverallQuantiles, folder: Path, **more: Any) -> None:
    """Write the model; the folder appears whole or not at all."""
    import joblib

    draft = new_folder(folder)
    joblib.dump(model, draft / "model.joblib")
    write_about(draft, kind="response_time", name=model.name, heads=["response_time"], **more)
    publish(draft, folder)


def load_response_time(folder: Path) -> ResponseTime | OverallQuantiles:
    """The model in ``folder``; raises ``ModelUnreadable``."""
    import joblib

    if about(folder)["kind"] != "response_time":
        raise ModelUnreadable(f"{folder} is not a response-time model")
    try:
        model: ResponseTime | OverallQuantiles = joblib.load(folder / "model.joblib")
    except Exception as problem:
        raise ModelUnreadable(f"{folder / 'model.joblib'} cannot be read ({problem}); run the round again") from problem
    return model
