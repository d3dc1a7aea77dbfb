"""How the report writes figures: names, numbers, intervals."""

from collections.abc import Mapping
from typing import Any

from recux.instruments import construct_named, in_language
from recux.report import sentences
from recux.report.language import N_, _, current

Figure = Mapping[str, Any]

NAMES = {
    "nps": N_("NPS"),
    "csat": N_("CSAT"),
    "ces": N_("Ease (CES)"),
    "mean_rating": N_("Mean rating"),
    "sus": N_("SUS"),
    "umux_lite": N_("UMUX-Lite"),
    "ctr": N_("Click-through rate"),
    "purchase_rate": N_("Purchase rate"),
    "dismiss_rate": N_('"Not for me"'),
    "known_rate": N_('"I know it already"'),
    "ndcg": N_("NDCG"),
    "mrr": N_("MRR"),
    "map": N_("MAP"),
    "f1": N_("F1"),
    "auc": N_("AUC"),
    "gini": N_("Exposure Gini"),
    "p50_ms": N_("Response time p50"),
    "p95_ms": N_("Response time p95"),
    "p99_ms": N_("Response time p99"),
    "f1_macro": N_("F1 (macro)"),
    "mae": N_("Mean error in stars"),
    "qwk": N_("Agreement (QWK)"),
    "ece": N_("Calibration error"),
    "brier": N_("Brier score"),
    "coverage_90": N_("Coverage of sets that promise .90"),
    "log_loss": N_("Log-loss"),
    "precision": N_("Precision"),
    "recall": N_("Recall"),
    "hit_rate": N_("Hit rate"),
    "coverage": N_("Catalogue coverage"),
    "diversity": N_("Diversity within a list"),
    "novelty": N_("Novelty"),
    "serendipity": N_("Serendipity"),
    "failure_rate": N_("Failed requests"),
    "availability": N_("Availability"),
    "accuracy": N_("Accuracy"),
    "rating": N_("Rating"),
    "satisfaction": N_("Satisfaction"),
    "behaviour": N_("Behaviour"),
    "response_time": N_("Response time"),
}
PERCENT = {
    "flips",
    "share",
    "dismiss_rate",
    "known_rate",
    "csat",
    "ctr",
    "purchase_rate",
    "failure_rate",
    "availability",
    "coverage",
    "hit_rate",
    "coverage_90",
}
VERDICTS = {
    "better": N_("better"),
    "worse": N_("worse"),
    "equivalent": N_("no difference that matters"),
    "cannot_tell": N_("cannot tell yet"),
}
COLD_START = {
    "0 earlier": N_("No earlier rating"),
    "1-4 earlier": N_("1 to 4 earlier ratings"),
    "5+ earlier": N_("5 or more earlier ratings"),
    "new item": N_("Items never rated in training"),
}
CHANGES = {"typo": N_("Typing errors"), "case": N_("Capital letters"), "synonym": N_("Synonyms")}
CATEGORIES = {
    "algorithm": N_("Recommendation algorithm"),
    "interface": N_("Interface"),
    "data": N_("Data quality"),
    "feedback": N_("Feedback mechanism"),
}


def name_of(metric: str) -> str:
    """A metric in words."""
    if metric in NAMES:
        return _(NAMES[metric])
    if title := construct_named(metric):
        return in_language(title, current())
    return metric.replace("_", " ").replace(".", ": ").capitalize()


def said(text: str | None) -> str:
    """A stored sentence in the report's language; as it is where there is no translation."""
    return sentences.said(text, _)


def number(value: float | None, metric: str, *, signed: bool = False) -> str:
    """A value in its unit; a difference with its sign."""
    if value is None:
        return "-"
    plus = "+" if signed else ""
    if metric in PERCENT:
        return f"{value:{plus}.1%}" + (" " + _("points") if signed else "")
    if metric.endswith("_ms"):
        return f"{value:{plus},.0f} ms"
    return f"{value:{plus}.1f}" if metric in {"nps", "sus", "umux_lite"} else f"{value:{plus}.3f}"


def estimate(figure: Figure | None, metric: str, *, signed: bool = False) -> str:
    """Value, interval and n together, or why there is none."""
    if not figure or figure.get("value") is None:
        return _("not estimable: {reason}").format(reason=said((figure or {}).get("reason")) or _("not computed"))
    low, high = figure.get("ci_low"), figure.get("ci_high")
    counted = low is None or low == high  # nothing to be unsure about
    ends = (number(low, metric, signed=signed), number(high, metric, signed=signed))
    between = " " + _("({low} to {high})").format(low=ends[0], high=ends[1])
    n = f", n = {figure['n']:,}" if figure.get("n") is not None else ""
    return number(figure["value"], metric, signed=signed) + ("" if counted else between) + n


def against(one: Mapping[str, Any]) -> str:
    """What another mix of cohorts means for a comparison; empty where the mix is the same."""
    p = one.get("mix_p_adjusted", one.get("mix_p"))
    if p is None:
        return ""
    crude, within = one["difference"].get("value"), (one.get("within_cohorts") or {}).get("value")
    if crude is None or within is None:
        text = _(
            "The mix of cohorts is not the same (adjusted p = {p}); what the difference is within cohorts cannot be "
            "told."
        )
    elif crude * within < 0:
        text = _(
            "The mix of cohorts is not the same (adjusted p = {p}), and within cohorts the difference points the other "
            "way ({within}): Simpson's paradox."
        )
    else:
        text = _("The mix of cohorts is not the same (adjusted p = {p}); within cohorts the difference is {within}.")
    return text.format(p=f"{p:.2g}", within=estimate(one.get("within_cohorts"), one["metric"], signed=True))
