"""The report as sections of text and tables, for any kind of paper."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recux.report.words import CATEGORIES, VERDICTS, Figure, estimate, name_of, number

Json = Mapping[str, Any]

SATISFACTION = ("nps", "csat", "ces", "mean_rating", "sus", "umux_lite")
RECOMMENDATION = (
    *("ctr", "purchase_rate", "precision", "recall", "f1", "ndcg", "mrr", "map", "hit_rate", "auc"),
    *("coverage", "gini", "diversity", "novelty", "serendipity"),
)
STABILITY = ("p50_ms", "p95_ms", "p99_ms", "failure_rate", "availability")
MODELS = ("auc", "f1_macro", "accuracy", "mae", "qwk", "brier", "ece", "log_loss")


@dataclass(frozen=True)
class Table:
    """Rows of words under a head."""

    head: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Section:
    """One part of the report."""

    key: str
    title: str
    text: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def sections(report: Json) -> list[Section]:
    """All parts, in reading order; a part without anything to say is left out."""
    parts = [
        _satisfaction(report),
        _experiment(report["experiment"]),
        _before_after(report["before_after"]),
        _recommendation(report),
        _stability(report),
        _models(report["models"]),
        *_suggestions(report["suggestions"]),
        _data_quality(report),
        _rounds(report["rounds"]),
        _definitions(report),
    ]
    return [part for part in parts if part.text or part.tables]


def by_arm(part: Json, metrics: Iterable[str], arms: list[str]) -> Table:
    """A row for each metric: everyone together, then arm by arm (when there are several)."""
    columns = arms if len(arms) > 1 else []
    found = [metric for metric in metrics if metric in part]
    rows = [
        [name_of(m), estimate(part[m], m), *(estimate(part["by_arm"][arm].get(m), m) for arm in columns)] for m in found
    ]
    return Table(["", "Everyone", *columns], rows)


def _satisfaction(report: Json) -> Section:
    part = report["satisfaction"]
    who = f"{part['people']:,} people and {part['ratings']:,} ratings count."
    without = (
        "Flagged answers are included." if report["flagged_included"] else "Flagged people's answers are left out."
    )
    tables = [by_arm(part, SATISFACTION, report["arms"]), *_constructs(part["instruments"])]
    return Section("satisfaction", "How satisfied are people?", [f"{who} {without}"], [*tables, *_trend(part["trend"])])


def _constructs(instruments: Json) -> Iterator[Table]:
    rows = [
        [f"{instrument}: {construct}", estimate(both["score"], ""), estimate(both["alpha"], "")]
        for instrument, one in instruments.items()
        for construct, both in one["constructs"].items()
        if instrument not in SATISFACTION
    ]
    if rows:
        yield Table(["Construct", "Mean score", "Cronbach's alpha"], rows)


def _trend(points: list[Json]) -> Iterator[Table]:
    metrics = ("nps", "csat", "mean_rating")
    rows = [
        [str(point["round"]), point["period_start"][:10], *(estimate(point[metric], metric) for metric in metrics)]
        for point in points
    ]
    if rows:
        yield Table(["Round", "From", *(name_of(metric) for metric in metrics)], rows)


def _experiment(part: Json) -> Section:
    split, comparisons = part["srm"], part["comparisons"]
    if not comparisons:
        return Section("experiment", "Which arm is better?")
    people = ", ".join(f"{arm}: {count:,}" for arm, count in split["counts"].items())
    checked = {True: "as planned", False: "NOT as planned, so no difference can be trusted", None: "not checked"}
    text = [
        f"The control is {part['control']}; {name_of(part['primary_metric'])} decides.",
        f"People by arm ({people}): split {checked[split['ok']]}"
        + (f" (p = {split['p']:.3g})." if split["p"] is not None else f" ({split['reason']})."),
    ]
    rows = [_comparison(one) for one in comparisons]
    head = ["Metric", "Arm", "Difference to the control", "Adjusted p", "Verdict"]
    return Section("experiment", "Which arm is better?", text, [Table(head, rows)])


def _comparison(one: Json) -> list[str]:
    p = "-" if one["p_adjusted"] is None else f"{one['p_adjusted']:.3g}"
    metric = name_of(one["metric"]) + (" (decides)" if one["primary"] else "")
    verdict = f"{VERDICTS[one['verdict']]}: {one['because']}"
    return [metric, one["arm"], estimate(one["difference"], one["metric"], signed=True), p, verdict]


def _before_after(changes: list[Json]) -> Section:
    """The newest round against the one before it."""
    if not changes:
        return Section("before_after", "What changed since the round before?")
    newest = [one for one in changes if one["round"] == changes[0]["round"]]
    rows = [
        [
            name_of(one["metric"]),
            one["arm"] or "everyone",
            estimate(one["difference"], one["metric"], signed=True),
            "-" if one["p_adjusted"] is None else f"{one['p_adjusted']:.3g}",
            "the same people" if one["paired"] else f"others: {one['n_before']:,} before, {one['n_after']:,} after",
            one.get("against") or "",
        ]
        for one in newest
    ]
    text = [
        f"Round {newest[0]['round']} against round {newest[0]['round'] - 1}, each of its own batch. Nothing was "
        "randomised between rounds: a change may have other causes than what was changed."
    ]
    head = ["Metric", "Arm", "Change", "Adjusted p", "People", "Against it"]
    return Section("before_after", "What changed since the round before?", text, [Table(head, rows)])


def _recommendation(report: Json) -> Section:
    part = report["recommendation"]
    text = [
        f"k = {part['k']}; an item rated {part['relevance_threshold']:g} or more is relevant. Ranking figures measure "
        "the order within the slates that were shown; they describe and never decide between arms."
    ]
    table = by_arm(part, RECOMMENDATION, report["arms"])
    return Section("recommendation", "What do the recommendations do?", text, [table])


def _stability(report: Json) -> Section:
    part, title = report["stability"], "Is the recommender quick and reliable?"
    if not part["calls"]:
        return Section("stability", title, ["No call to the recommender was recorded."])
    tables = [by_arm(part, STABILITY, report["arms"])]
    rows = [
        [name_of(one["name"]), number(one["target"], one["name"]), number(one["value"], one["name"]), _kept(one)]
        for one in part["objectives"]
    ]
    if rows:
        tables.append(Table(["Objective", "Target", "Measured", ""], rows))
    return Section("stability", title, [f"{part['calls']:,} calls."], tables)


def _kept(objective: Json) -> str:
    if objective["ok"] is None:
        return "cannot tell"
    return ("kept" if objective["ok"] else "BROKEN") + ("" if objective["certain"] else " (the interval holds both)")


def _models(models: Json) -> Section:
    if not models:
        return Section("models", "What did the models learn?", ["No round has trained a model yet."])
    text, tables = ["Measured on people whom no model has seen."], []
    for head, one in models.items():
        serves = "serves" if one["champion"] else f"{one['champion_name'] or 'an earlier model'} serves"
        reason = f" ({one['reason']})" if one["reason"] else ""
        text.append(
            f"{name_of(head)}: {one['name']} from {one['base_model']}, trained on {one['n_train']:,} rows, measured on "
            f"{one['n_test']:,}, {one['seconds']:.0f} s on {one['device']}; {serves}{reason}."
        )
        baseline = one["baseline"] or {}
        rows = [[name_of(m), estimate(one[m], m), estimate(baseline.get(m), m)] for m in MODELS if m in one]
        tables.append(Table([name_of(head), one["name"], f"baseline: {baseline.get('name', 'none')}"], rows))
    return Section("models", "What did the models learn?", text, tables)


def _suggestions(suggestions: list[Json]) -> Iterator[Section]:
    if not suggestions:
        yield Section("suggestions", "What to change next?", ["The evidence supports no change yet."])
        return
    for place, one in enumerate(suggestions):
        title = f"Suggestion {one['id']}: {one['title']}"
        yield Section("suggestion" if place else "suggestions", title, _told(one), [Table(["", ""], _facts(one))])


def _told(one: Json) -> list[str]:
    return [one["change"], *(f"Against it: {text}" for text in one["against"])]


def _facts(one: Json) -> list[list[str]]:
    evidence = ", ".join(f"{len(ids):,} {kind}" for kind, ids in one["evidence"].items() if ids) or "none"
    p = "-" if one["p_adjusted"] is None else f"{one['p_adjusted']:.3g}"
    status = one["status"] + (f", {one['verdict']}" if one.get("verdict") else "")
    return [
        ["Kind", f"{CATEGORIES[one['category']]}, rule {one['rule']} version {one['rule_version']}"],
        ["Segment", one["segment"] or "everyone"],
        [f"Estimate ({name_of(one['metric'])})", estimate(one["figure"], one["metric"], signed=True)],
        ["Adjusted p", p],
        ["Predicted effect", estimate(one["predicted"], one["metric"], signed=True)],
        ["Judged in round", str(one["judged_in_round"])],
        ["Evidence", evidence],
        ["Status", status],
    ]


def _data_quality(report: Json) -> Section:
    part = report["data_quality"]
    text = [
        f"{part['responses']:,} questionnaires, {part['ratings']:,} ratings; "
        f"imports put {part['quarantined']:,} rows aside."
    ]
    if part["unknown_token_share"] is not None:
        text.append(f"The encoder does not know {part['unknown_token_share']:.1%} of the words' pieces.")
    flagged = [[name_of(r), str(count), part["rules"][r]] for r, count in part["flagged"].items() if count]
    missing = [
        [question, f"{share:.1%}", f"{part['refused'].get(question, 0):.1%}"]
        for question, share in part["missing"].items()
    ]
    tables = [Table(["Flagged", "People", "Rule"], flagged)] if flagged else []
    tables += [Table(["Question", "Not answered", "Refused"], missing)] if missing else []
    return Section("data_quality", "Can the data be trusted?", text, tables)


def _rounds(rounds: list[Json]) -> Section:
    rows = [
        [str(r["number"]), r["status"], f"{r['batch_size']:,}", f"{r['answers']:,}", _when(r["finished_at"])]
        for r in rounds
    ]
    tables = [Table(["Round", "Status", "Ratings", "Answers", "Finished"], rows)] if rows else []
    return Section("rounds", "Rounds", [], tables)


def _when(moment: str | None) -> str:
    return "-" if moment is None else moment[:16].replace("T", " ")


def _definitions(report: Json) -> Section:
    parts = (report["satisfaction"], report["recommendation"], report["stability"])
    named = zip(parts, (SATISFACTION, RECOMMENDATION, STABILITY), strict=True)
    figures: list[tuple[str, Figure]] = [(m, part[m]) for part, metrics in named for m in metrics if m in part]
    rows = [[name_of(m), figure["definition"], figure.get("method", "-")] for m, figure in figures]
    note = "Intervals are at 95 %; people are the unit, unless n says otherwise."
    return Section("definitions", "What each figure is", [note], [Table(["Figure", "Definition", "Interval"], rows)])
