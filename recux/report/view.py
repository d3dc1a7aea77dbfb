"""The report as sections of text and tables, for any kind of paper."""

from recux.report.language import _
from recux.report.of_changes import decisions, suggestions
from recux.report.of_models import models
from recux.report.of_satisfaction import satisfaction
from recux.report.parts import SATISFACTION, Json, Section, Table, by_arm, when
from recux.report.words import VERDICTS, Figure, against, estimate, name_of, number, said

RECOMMENDATION = (
    *(
        "ctr",
        "purchase_rate",
        "dismiss_rate",
        "known_rate",
        "precision",
        "recall",
        "f1",
        "ndcg",
        "mrr",
        "map",
        "hit_rate",
        "auc",
    ),
    *("coverage", "gini", "diversity", "novelty", "serendipity"),
)
STABILITY = ("p50_ms", "p95_ms", "p99_ms", "failure_rate", "availability")


def sections(report: Json) -> list[Section]:
    """All parts, in reading order; a part without anything to say is left out."""
    parts = [
        satisfaction(report),
        _experiment(report["experiment"]),
        _before_after(report["before_after"]),
        _recommendation(report),
        _stability(report),
        _comments(report["comments"]),
        models(report["models"]),
        *suggestions(report["suggestions"]),
        decisions(report["decisions"]),
        _data_quality(report),
        _rounds(report["rounds"]),
        _definitions(report),
    ]
    return [part for part in parts if part.text or part.tables]


def _experiment(part: Json) -> Section:
    split, comparisons = part["srm"], part["comparisons"]
    if not comparisons:
        return Section("experiment", _("Which arm is better?"))
    people = ", ".join(f"{arm}: {count:,}" for arm, count in split["counts"].items())
    checked = {
        True: _("as planned"),
        False: _("NOT as planned, so no difference can be trusted"),
        None: _("not checked"),
    }
    text = [
        _("The control is {arm}; {metric} decides.").format(
            arm=part["control"], metric=name_of(part["primary_metric"])
        ),
        _("People by arm ({people}): split {checked}").format(people=people, checked=checked[split["ok"]])
        + (f" (p = {split['p']:.3g})." if split["p"] is not None else f" ({said(split['reason'])})."),
    ]
    rows = [_comparison(one) for one in comparisons]
    head = [_("Metric"), _("Arm"), _("Difference to the control"), _("Adjusted p"), _("Verdict")]
    return Section("experiment", _("Which arm is better?"), text, [Table(head, rows)])


def _comparison(one: Json) -> list[str]:
    p = "-" if one["p_adjusted"] is None else f"{one['p_adjusted']:.3g}"
    metric = name_of(one["metric"]) + (" " + _("(decides)") if one["primary"] else "")
    note = against(one)
    verdict = f"{_(VERDICTS[one['verdict']])}: {said(one['because'])}" + (f". {note}" if note else "")
    return [metric, one["arm"], estimate(one["difference"], one["metric"], signed=True), p, verdict]


def _before_after(changes: list[Json]) -> Section:
    """The newest round against the one before it."""
    if not changes:
        return Section("before_after", _("What changed since the round before?"))
    newest = [one for one in changes if one["round"] == changes[0]["round"]]
    rows = [
        [
            name_of(one["metric"]),
            one["arm"] or _("everyone"),
            estimate(one["difference"], one["metric"], signed=True),
            "-" if one["p_adjusted"] is None else f"{one['p_adjusted']:.3g}",
            _("the same people")
            if one["paired"]
            else _("others: {before} before, {after} after").format(
                before=f"{one['n_before']:,}", after=f"{one['n_after']:,}"
            ),
            against(one),
        ]
        for one in newest
    ]
    text = [
        _(
            "Round {n} against round {before}, each of its own batch. Nothing was randomised between rounds: a change "
            "may have other causes than what was changed."
        ).format(n=newest[0]["round"], before=newest[0]["round"] - 1)
    ]
    head = [_("Metric"), _("Arm"), _("Change"), _("Adjusted p"), _("People"), _("Against it")]
    return Section("before_after", _("What changed since the round before?"), text, [Table(head, rows)])


def _recommendation(report: Json) -> Section:
    part = report["recommendation"]
    text = [
        _(
            "k = {k}; an item rated {least} or more is relevant. Ranking figures measure the order within the slates "
            "that were shown; they describe and never decide between arms."
        ).format(k=part["k"], least=f"{part['relevance_threshold']:g}")
    ]
    table = by_arm(part, RECOMMENDATION, report["arms"])
    return Section("recommendation", _("What do the recommendations do?"), text, [table])


def _stability(report: Json) -> Section:
    part, title = report["stability"], _("Is the recommender quick and reliable?")
    if not part["calls"]:
        return Section("stability", title, [_("No call to the recommender was recorded.")])
    tables = [by_arm(part, STABILITY, report["arms"])]
    rows = [
        [name_of(one["name"]), number(one["target"], one["name"]), number(one["value"], one["name"]), _kept(one)]
        for one in part["objectives"]
    ]
    if rows:
        tables.append(Table([_("Objective"), _("Target"), _("Measured"), ""], rows))
    return Section("stability", title, [_("{n} calls.").format(n=f"{part['calls']:,}")], tables)


def _kept(objective: Json) -> str:
    if objective["ok"] is None:
        return _("cannot tell")
    return (_("kept") if objective["ok"] else _("BROKEN")) + (
        "" if objective["certain"] else " " + _("(uncertain: the interval includes the target)")
    )


def _comments(part: Json) -> Section:
    """What people write about."""
    rows = [
        [
            one["words"],
            f"{one['people']:,}",
            f"{one['share']:.0%} "
            + _("({low} to {high})").format(low=f"{one['ci_low']:.0%}", high=f"{one['ci_high']:.0%}"),
            "-" if one["stars"] is None else f"{one['stars']:.2f}",
            "-" if one["others"] is None else f"{one['others']:.2f}",
        ]
        for one in part["themes"]
    ]
    head = [
        _("Theme"),
        _("People"),
        _("Share of people who write about it"),
        _("Their stars"),
        _("Stars of the others"),
    ]
    text = [_("{n} comments were written.").format(n=f"{part['written']:,}")] if part["written"] else []
    return Section("comments", _("What do people say?"), text, [Table(head, rows)] if rows else [])


def _data_quality(report: Json) -> Section:
    part = report["data_quality"]
    text = [
        _("{responses} questionnaires, {ratings} ratings; imports put {aside} rows aside.").format(
            responses=f"{part['responses']:,}", ratings=f"{part['ratings']:,}", aside=f"{part['quarantined']:,}"
        )
    ]
    if part["unknown_token_share"] is not None:
        text.append(
            _("The encoder does not know {share} of the words' pieces.").format(
                share=f"{part['unknown_token_share']:.1%}"
            )
        )
    flagged = [[name_of(r), str(count), said(part["rules"][r])] for r, count in part["flagged"].items() if count]
    missing = [
        [question, f"{share:.1%}", f"{part['refused'].get(question, 0):.1%}"]
        for question, share in part["missing"].items()
    ]
    tables = [Table([_("Flagged"), _("People"), _("Rule")], flagged)] if flagged else []
    tables += [Table([_("Question"), _("Not answered"), _("Refused")], missing)] if missing else []
    return Section("data_quality", _("Can the data be trusted?"), text, tables)


def _rounds(rounds: list[Json]) -> Section:
    rows = [
        [str(r["number"]), r["status"], f"{r['batch_size']:,}", f"{r['answers']:,}", when(r["finished_at"])]
        for r in rounds
    ]
    tables = [Table([_("Round"), _("Status"), _("Ratings"), _("Answers"), _("Finished")], rows)] if rows else []
    return Section("rounds", _("Rounds"), [], tables)


def _definitions(report: Json) -> Section:
    parts = (report["satisfaction"], report["recommendation"], report["stability"])
    named = zip(parts, (SATISFACTION, RECOMMENDATION, STABILITY), strict=True)
    figures: list[tuple[str, Figure]] = [(m, part[m]) for part, metrics in named for m in metrics if m in part]
    rows = [[name_of(m), said(figure["definition"]), said(figure.get("method")) or "-"] for m, figure in figures]
    note = _("Intervals are at 95 %; people are the unit, unless n says otherwise.")
    return Section(
        "definitions", _("What each figure is"), [note], [Table([_("Figure"), _("Definition"), _("Interval")], rows)]
    )
