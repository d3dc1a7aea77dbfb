"""The words of a suggestion: where it is in its life, why it stands where it does, how it is judged."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from db.tables import Suggestion
from recux.suggest import RULE_NAMES, ScoreCard
from recux.ui import words
from recux.ui.language import _

SHOW = "show"
"""Key of the part of the board that is shown, in the address and in the session."""
N_ = str  # marks a message for the catalogue; it is translated when it is shown
GROUP_NAMES = {
    "decide": N_("To decide"),
    "under_way": N_("Under way"),
    "judged": N_("Judged"),
    "closed": N_("Declined or expired"),
}
GROUPS = tuple(GROUP_NAMES)
WHY_EMPTY = {
    "decide": N_(
        "No suggestion to decide on. A round makes one only where the evidence is strong; none is a good sign, too."
    ),
    "under_way": N_("No accepted suggestion is waiting for its verdict."),
    "judged": N_("No round has judged a suggestion yet."),
    "closed": N_("Nothing was declined, and nothing expired."),
}
STATUS = {
    "proposed": N_("for you to decide"),
    "accepted": N_("accepted"),
    "implemented": N_("implemented, waiting for its verdict"),
    "declined": N_("declined"),
    "expired": N_("expired"),
}
STEPS = {
    "proposed": N_("suggested"),
    "accepted": N_("accepted"),
    "implemented": N_("put in place"),
    "judged": N_("judged"),
    "declined": N_("declined"),
    "expired": N_("expired"),
    "effort": N_("effort set"),
    "assigned": N_("given to somebody"),
}
VERDICTS = {
    "confirmed": (
        N_("confirmed"),
        N_("The effect is there, beside a concurrent control, and at least as large as is worth having."),
    ),
    "refuted": (
        N_("refuted"),
        N_("Even the best end of the interval is below the smallest effect worth having."),
    ),
    "inconclusive": (
        N_("inconclusive"),
        N_("The interval allows both a worthwhile effect and none, or there were too few people."),
    ),
    "not_implemented": (
        N_("not implemented"),
        N_("Nobody said that it was in place before this round's people came."),
    ),
    "confounded": (
        N_("confounded"),
        N_("Something else differed too, so the comparison says nothing about this change."),
    ),
    "moved_uncontrolled": (
        N_("moved as predicted, uncontrolled"),
        N_("It moved as predicted, but without a concurrent control nobody knows why."),
    ),
}
"""Each verdict in a word, and what it means."""
ROWS = {"ratings": N_("ratings"), "comments": N_("comments"), "answers": N_("answers"), "requests": N_("requests")}
PLACES = {"theme_share": "comments", "typical_ms": "stability", "any_failure": "stability", "slow_share": "stability",
          "failure_rate": "stability",
          "log_loss_gap": "rounds", "ece": "rounds", "forgetting": "rounds", "error_gap": "rounds",
          "unknown_token_share": "rounds", "drop_off": "people", "response_rate": "people"}  # fmt: skip
"""The page on which a metric's rows can be looked at; the overview for all others."""


def group_of(one: Suggestion) -> str:
    """Which part of the board a suggestion is in."""
    groups = {"proposed": "decide", "accepted": "under_way", "implemented": "under_way", "judged": "judged"}
    return groups.get(one.status, "closed")


def first_group(groups: Mapping[str, Sequence[Suggestion]], asked: Suggestion | None, named: str | None) -> str:
    """The part to show at first: that of the suggestion which was asked for, the one named in the address, or the
    first that holds any.
    """
    if asked is not None:
        return group_of(asked)
    if named is not None and named in groups:
        return named
    return next((name for name, ones in groups.items() if ones), GROUPS[0])


def group_name(group: str, count: int) -> str:
    """A part of the board and how many suggestions it holds."""
    return f"{_(GROUP_NAMES[group])} ({count})"


def nothing(group: str) -> str:
    """Why a part of the board is empty."""
    return _(WHY_EMPTY[group])


def status(one: Suggestion) -> str:
    """Where it is in its life; once judged, the verdict."""
    return verdict(one.verdict or "") if one.status == "judged" else _(STATUS.get(one.status, one.status))


def colour(one: Suggestion) -> Literal["blue", "green", "red", "gray"]:
    """The colour of its status: blue waits for a decision."""
    if one.status == "proposed":
        return "blue"
    return "green" if one.verdict == "confirmed" else "red" if one.verdict == "refuted" else "gray"


def verdict(code: str) -> str:
    """A verdict in a word."""
    return _(VERDICTS.get(code, (code, ""))[0])


def explained(code: str) -> str:
    """What a verdict means."""
    return _(VERDICTS[code][1]) if code in VERDICTS else ""


def why_here(one: Suggestion) -> str:
    """The reason for the rank: what it is the product of."""
    rank = one.predicted.get("rank") or {}
    if not rank:
        return ""
    told = _("Expected gain: {effect} times the smallest effect worth having × {people} people × {chance} likely")
    text = told.format(
        effect=f"{rank['effect']:.1f}", people=f"{rank['people']:,}", chance=f"{rank['probability']:.0%}"
    )
    return text + " ÷ " + _("effort {effort}").format(effort=f"{one.effort:g}") + f" = {one.rank:,.0f}"


def efforts() -> dict[float, str]:
    """How much work a change is."""
    return {0.5: _("hours"), 1.0: _("a day"), 2.0: _("some days"), 3.0: _("a project")}


def judging(one: Suggestion, arms: Mapping[str, str]) -> str:
    """How it will be judged: by which round, against what, and what must not get worse."""
    plan = one.predicted.get("plan") or {}
    text = _("Round {n} judges it").format(n=one.judged_in_round)
    if plan.get("arm"):
        text += _(": {arm} beside {control}").format(
            arm=arms.get(plan["arm"], plan["arm"]), control=arms.get(plan["control"], plan["control"])
        )
    guards = ", ".join(words.short(metric) for metric in one.predicted.get("guardrails") or ())
    return text + (_("; must not get worse: {metrics}").format(metrics=guards) if guards else "")


def behind(one: Suggestion) -> str:
    """How many rows are behind it, and how many comparisons it was picked from."""
    parts = [f"{len(ids):,} {_(ROWS.get(kind, kind))}" for kind, ids in one.evidence.items() if ids]
    if one.p_adjusted is not None:
        parts.append(_("adjusted p = {p}").format(p=f"{one.p_adjusted:.3g}"))
    if one.tested:
        parts.append(_("one of {n} comparisons that were tried").format(n=one.tested))
    parts.append(_("rule {rule}, version {n}").format(rule=one.rule, n=one.rule_version))
    return " · ".join(parts)


def quote_columns() -> dict[str, str]:
    """The columns of comments behind a suggestion."""
    return {"item": _("Item"), "rating": _("Stars"), "comment": _("Comment")}


def step(kind: str) -> str:
    """A step in the life of a suggestion."""
    return _(STEPS.get(kind, kind))


def said_with(kind: str, payload: Mapping[str, Any]) -> str:
    """What belongs to a step, in short."""
    if kind == "accepted":
        return _("frozen as {hash}").format(hash=str(payload.get("hash", ""))[:12])
    if kind == "implemented" and payload.get("arm"):
        return _("{arm} beside {control}").format(arm=payload["arm"], control=payload["control"])
    if kind == "judged":
        return verdict(str(payload.get("verdict", "")))
    shown = (payload.get(name) for name in ("reason", "note", "owner", "effort", "round"))
    return next((str(value) for value in shown if value), "")


def rule(name: str) -> str:
    """A rule's name in the reader's language."""
    return words.said(RULE_NAMES[name]) if name in RULE_NAMES else (name or _("All rules"))


def score_row(card: ScoreCard) -> dict[str, Any]:
    """A rule's record as a row of the table."""
    return {
        _("Rule"): rule(card.rule) + (_(" (keeps failing: ranked down)") if card.doubtful else ""),
        _("Times suggested"): card.fired,
        _("Accepted"): card.accepted,
        _("Judged"): card.controlled,
        _("Hit rate (95 %)"): share(card.hit_rate),
        _("Predicted"): _effect(card.mean_predicted),
        _("Measured"): _effect(card.mean_actual),
        _("In the interval"): share(card.covered),
    }


def share(estimate: Any) -> str:
    """A share with its interval; a dash without any."""
    if estimate.value is None:
        return "-"
    return f"{estimate.value:.0%} ({100 * estimate.ci_low:.0f}–{estimate.ci_high:.0%})"


def _effect(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ×"
