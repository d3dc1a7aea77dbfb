"""How the report writes figures: names, numbers, intervals."""

from collections.abc import Mapping
from typing import Any

Figure = Mapping[str, Any]

NAMES = {
    "nps": "NPS",
    "csat": "CSAT",
    "ces": "Ease (CES)",
    "mean_rating": "Mean rating",
    "sus": "SUS",
    "umux_lite": "UMUX-Lite",
    "ctr": "Click-through rate",
    "purchase_rate": "Purchase rate",
    "ndcg": "NDCG",
    "mrr": "MRR",
    "map": "MAP",
    "f1": "F1",
    "auc": "AUC",
    "gini": "Exposure Gini",
    "p50_ms": "Response time p50",
    "p95_ms": "Response time p95",
    "p99_ms": "Response time p99",
    "f1_macro": "F1 (macro)",
    "mae": "MAE",
    "qwk": "Weighted kappa",
    "ece": "Calibration error",
    "brier": "Brier score",
    "log_loss": "Log-loss",
}
PERCENT = {"csat", "ctr", "purchase_rate", "failure_rate", "availability", "coverage", "hit_rate"}
VERDICTS = {
    "better": "better",
    "worse": "worse",
    "equivalent": "no difference that matters",
    "cannot_tell": "cannot tell yet",
}
CATEGORIES = {
    "algorithm": "Recommendation algorithm",
    "interface": "Interface",
    "data": "Data quality",
    "feedback": "Feedback mechanism",
}


def name_of(metric: str) -> str:
    """A metric in words."""
    return NAMES.get(metric, metric.replace("_", " ").replace(".", ": ").capitalize())


def number(value: float | None, metric: str, *, signed: bool = False) -> str:
    """A value in its unit; a difference with its sign."""
    if value is None:
        return "-"
    plus = "+" if signed else ""
    if metric in PERCENT:
        return f"{value:{plus}.1%}" + (" points" if signed else "")
    if metric.endswith("_ms"):
        return f"{value:{plus},.0f} ms"
    return f"{value:{plus}.1f}" if metric in {"nps", "sus", "umux_lite"} else f"{value:{plus}.3f}"


def estimate(figure: Figure | None, metric: str, *, signed: bool = False) -> str:
    """Value, interval and n together, or why there is none."""
    if not figure or figure.get("value") is None:
        return f"not estimable: {(figure or {}).get('reason') or 'not computed'}"
    low, high = figure.get("ci_low"), figure.get("ci_high")
    counted = low is None or low == high  # nothing to be unsure about
    between = f" ({number(low, metric, signed=signed)} to {number(high, metric, signed=signed)})"
    n = f", n = {figure['n']:,}" if figure.get("n") is not None else ""
    return number(figure["value"], metric, signed=signed) + ("" if counted else between) + n
