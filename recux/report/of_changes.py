"""The report's parts about what to change: suggestions, and what was decided."""

from collections.abc import Iterator

from recux.report.language import _
from recux.report.parts import Json, Section, Table, when
from recux.report.words import CATEGORIES, estimate, name_of


def decisions(made: list[Json]) -> Section:
    """What was decided, on which figures, by whom."""
    rows = [
        [
            when(one["decided_at"]),
            one.get("by", "-"),
            one["decision"] + (f" ({one['reason']})" if one["reason"] else ""),
            "; ".join(
                f"{name_of(figure['metric'])}{' ' + figure['arm'] if figure['arm'] else ''}: "
                + estimate(figure, figure["metric"])
                for figure in one["figures"]
            ),
        ]
        for one in made
    ]
    head = [_("When"), _("By"), _("Decision"), _("Based on these figures")]
    return Section("decisions", _("What was decided?"), [], [Table(head, rows)] if rows else [])


def suggestions(found: list[Json]) -> Iterator[Section]:
    """What to change next, one section each."""
    if not found:
        yield Section("suggestions", _("What to change next?"), [_("The evidence supports no change yet.")])
        return
    for place, one in enumerate(found):
        title = _("Suggestion {n}: {title}").format(n=one["id"], title=one["title"])
        yield Section("suggestion" if place else "suggestions", title, _told(one), [Table(["", ""], _facts(one))])


def _told(one: Json) -> list[str]:
    return [one["change"], *(_("Against it: {text}").format(text=text) for text in one["against"])]


def _facts(one: Json) -> list[list[str]]:
    evidence = ", ".join(f"{len(ids):,} {kind}" for kind, ids in one["evidence"].items() if ids) or _("none")
    p = "-" if one["p_adjusted"] is None else f"{one['p_adjusted']:.3g}"
    status = one["status"] + (f", {one['verdict']}" if one.get("verdict") else "")
    return [
        [
            _("Kind"),
            _("{category}, rule {rule} version {n}").format(
                category=_(CATEGORIES[one["category"]]), rule=one["rule"], n=one["rule_version"]
            ),
        ],
        [_("Segment"), one["segment"] or _("everyone")],
        [
            _("Estimate ({metric})").format(metric=name_of(one["metric"])),
            estimate(one["figure"], one["metric"], signed=True),
        ],
        [_("Adjusted p"), p],
        [_("Predicted effect"), estimate(one["predicted"], one["metric"], signed=True)],
        [_("Judged in round"), str(one["judged_in_round"])],
        [_("Evidence"), evidence],
        [_("Status"), status],
    ]
