"""The report's part about satisfaction: figures, constructs, what goes along with it, rounds."""

from collections.abc import Iterator

from recux.report.language import _
from recux.report.parts import SATISFACTION, Json, Section, Table, by_arm
from recux.report.words import estimate, name_of, said


def satisfaction(report: Json) -> Section:
    """How satisfied people are, what goes along with it, and how it went over rounds."""
    part = report["satisfaction"]
    who = _("{people} people and {ratings} ratings count.").format(
        people=f"{part['people']:,}", ratings=f"{part['ratings']:,}"
    )
    without = (
        _("Flagged answers are included.")
        if report["flagged_included"]
        else _("Flagged people's answers are left out.")
    )
    tables = [
        by_arm(part, SATISFACTION, report["arms"]),
        *_constructs(part["instruments"]),
        *_structure(part["structure"]),
    ]
    text, found = _drivers(part["drivers"])
    tables = [*tables, *found, *_trend(part["trend"])]
    return Section("satisfaction", _("How satisfied are people?"), [f"{who} {without}", *text], tables)


def _constructs(instruments: Json) -> Iterator[Table]:
    rows = [
        [
            name_of(f"{instrument}.{construct}"),
            estimate(both["score"], ""),
            estimate(both["alpha"], ""),
            estimate(both["omega"], ""),
        ]
        for instrument, one in instruments.items()
        for construct, both in one["constructs"].items()
        if instrument not in SATISFACTION
    ]
    if rows:
        yield Table([_("Construct"), _("Mean score"), _("Cronbach's alpha"), "McDonald's omega"], rows)


def _drivers(found: Json | None) -> tuple[list[str], list[Table]]:
    """What goes along with satisfaction, and a warning that this is no cause."""
    if found is None:
        return [], []
    outcome = name_of(found["outcome"])
    if found["reason"]:
        reason = _("What goes along with {outcome} cannot be told: {reason}.")
        return [reason.format(outcome=outcome, reason=said(found["reason"]))], []
    text = _(
        "The parts of the experience below together explain {share} of the differences between people in {outcome} "
        "(n = {n}). This is association, not cause, and parts whose ranks overlap are not told apart."
    ).format(share=f"{found['r_squared']:.0%}", outcome=outcome, n=f"{found['n']:,}")
    rows = [
        [
            name_of(one["name"]),
            estimate(one["share"], "share"),
            str(one["rank"]),
            f"{one['rank_low']}-{one['rank_high']}",
        ]
        for one in found["drivers"]
    ]
    head = [_("Goes along with {outcome}").format(outcome=outcome), _("Share of what is explained"), _("Rank")]
    return [text], [Table([*head, _("Rank, 95 %")], rows)]


def _structure(found: Json) -> Iterator[Table]:
    """Whether the questions group as each questionnaire says."""
    rows = [
        [instrument, (one["reason"] and _("not estimable: {reason}").format(reason=said(one["reason"]))) or _fit(one)]
        for instrument, one in found.items()
    ]
    if rows:
        yield Table([_("Do the questions group as the questionnaire says?"), _("Confirmatory factor analysis")], rows)


def _fit(one: Json) -> str:
    numbers = [
        f"chi-square {one['chi_square']:.1f} ({one['df']} df" + (")" if one["p"] is None else f", p = {one['p']:.3g})"),
        *(f"{name.upper()} {one[name]:.3f}" for name in ("cfi", "tli", "srmr") if one[name] is not None),
        f"RMSEA {estimate(one['rmsea'], '')}",
    ]
    return "; ".join(numbers)


def _trend(points: list[Json]) -> Iterator[Table]:
    metrics = ("nps", "csat", "mean_rating")
    rows = [
        [str(point["round"]), point["period_start"][:10], *(estimate(point[metric], metric) for metric in metrics)]
        for point in points
    ]
    if rows:
        yield Table([_("Round"), _("From"), *(name_of(metric) for metric in metrics)], rows)
