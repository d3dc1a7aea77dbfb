"""Names of figures, and of what they are split by."""

from collections.abc import Iterable
from typing import Any

from recux.instruments import construct_named, in_language
from recux.ui.language import _, language


def metric(name: str) -> str:
    """A figure's short name; a construct's is its title in the questionnaire."""
    names = {
        "mean_rating": _("Mean rating (1 to 5)"),
        "nps": _("NPS (-100 to 100)"),
        "csat": _("CSAT (share satisfied)"),
        "ces": _("Ease (CES, 1 to 7)"),
        "sus": _("SUS (0 to 100)"),
        "umux_lite": _("UMUX-Lite (0 to 100)"),
        "combined": _("All questionnaires (0 to 100)"),
        "ctr": _("Click-through rate"),
        "purchase_rate": _("Purchase rate"),
        "dismiss_rate": _('"Not for me"'),
        "known_rate": _('"I know it already"'),
        "p50_ms": _("Median (ms)"),
        "p95_ms": _("Slowest 5 % (ms)"),
        "p99_ms": _("Slowest 1 % (ms)"),
        "failure_rate": _("Failed requests"),
        "availability": _("Availability"),
        "precision": _("Precision"),
        "recall": _("Recall"),
        "f1": _("F1"),
        "ndcg": _("NDCG"),
        "mrr": _("MRR"),
        "map": _("MAP"),
        "hit_rate": _("Hit rate"),
        "auc": _("AUC of the order"),
        "coverage": _("Catalogue coverage"),
        "gini": _("Exposure Gini"),
        "diversity": _("Diversity within a list"),
        "novelty": _("Novelty"),
        "serendipity": _("Serendipity"),
        "theme_share": _("Share of people who write about it"),
        "slow_share": _("Share of slow requests"),
        "typical_ms": _("Typical time (ms)"),
        "any_failure": _("Share of people who met a failure"),
        "assigned_share": _("Share assigned to the arm"),
        "careless": _("Share of careless people"),
        "comment_rate": _("Share of ratings with a comment"),
        "drop_off": _("Share who leave at the step"),
        "duplicate_share": _("Share of duplicate items"),
        "missing_share": _("Share of items without the field"),
        "repeat_share": _("Share of repeated items"),
        "response_rate": _("Response rate"),
        "same_answer": _("Share giving the same answer"),
        "people": _("People in the cohort"),
        "alpha": _("Reliability (alpha)"),
        "ece": _("Calibration error"),
        "forgetting": _("Forgetting (log-loss)"),
        "log_loss_gap": _("Distance to the baseline (log-loss)"),
        "unknown_token_share": _("Share of unknown tokens"),
    }
    title = construct_named(name)
    return names.get(name) or (in_language(title, language()) if title else name)


def short(name: str) -> str:
    """A figure's name without its unit."""
    return metric(name).partition(" (")[0].partition("（")[0]


def compared_by(metrics: Iterable[str], *, together: bool = False) -> list[str]:
    """The metrics of satisfaction worth a tile: no reliabilities, nothing twice; questionnaires apart, or in one."""
    single = {"nps", "csat", "ces", "sus", "umux_lite"}
    known = dict.fromkeys(metrics)
    if together:
        return [m for m in known if m in {"combined", "mean_rating"}]
    apart = [m for m in known if not m.endswith(".alpha") and m.partition(".")[0] not in single - {m}]
    return [m for m in apart if m != "combined"]


def points(metric: str) -> list[int]:
    """The points of the scale that people answered on."""
    return list(range(11)) if metric == "nps" else list(range(1, 8 if metric == "ces" else 6))


def dimension(code: str) -> str:
    """What figures are split by."""
    return {"arm": _("Arm"), "cohort": _("Cohort"), "category": _("Category"), "language": _("Language")}[code]


def by(code: str) -> str:
    """The title of groups beside each other."""
    names = {"arm": _("By arm"), "cohort": _("By cohort"), "category": _("By category"), "language": _("By language")}
    return names[code]


def row_columns() -> dict[str, Any]:
    """The columns of the rows behind a figure."""
    return {
        "person": _("Participant"),
        "arm": _("Arm"),
        "cohort": _("Cohort"),
        "language": _("Language"),
        "category": _("Category"),
        "question": _("Question"),
        "value": _("Value"),
    }
