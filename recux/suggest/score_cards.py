"""How good the rules are: what they predicted against what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from db.tables import Study, Suggestion, SuggestionEvent
from recux.stats import Estimate, proportion
from recux.suggest.draft import Text, text

DOUBTFUL_FROM = 3


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """One rule's record, or that of all rules together (rule is empty)."""

    rule: str
    fired: int
    accepted: int
    implemented: int
    judged: int
    """Suggestions with a verdict of any kind."""
    controlled: int
    """Those judged beside a concurrent control."""
    confirmed: int
    hit_rate: Estimate
    """Confirmed out of `controlled`, with its interval; not estimable without any."""
    mean_predicted: float | None
    """Mean predicted effect of the controlled ones, in units of delta; None without any."""
    mean_actual: float | None
    """Mean effect that was seen, in the same unit; None without any."""
    covered: Estimate
    """Share of controlled ones whose effect, as seen, lay inside the predicted interval."""

    @property
    def doubtful(self) -> bool:
        """Whether the rule keeps failing, so that its suggestions are ranked down and say so."""
        return _keeps_failing(self.confirmed, self.controlled)


def score_cards(session: Session, study: Study) -> list[ScoreCard]:
    """One card a rule that ever fired in the study, in alphabetical order, after the card of all rules together."""
    rows = session.exec(select(Suggestion).where(Suggestion.study_id == study.id)).all()
    steps = _steps(session, study.id)
    rules = sorted({row.rule for row in rows})
    return [_card("", rows, steps), *(_card(rule, [r for r in rows if r.rule == rule], steps) for rule in rules)]


def records_by_rule(session: Session, study_id: int) -> dict[str, tuple[int, int]]:
    """(confirmed, judged beside a control) of each rule of the study."""
    records: dict[str, tuple[int, int]] = {}
    query = (
        select(Suggestion.rule, SuggestionEvent.payload)
        .join(SuggestionEvent, col(SuggestionEvent.suggestion_id) == Suggestion.id)
        .where(Suggestion.study_id == study_id, SuggestionEvent.kind == "judged")
    )
    for rule, judged in session.exec(query):
        if _beside_control(judged):
            hits, number = records.get(rule, (0, 0))
            records[rule] = (hits + (judged["verdict"] == "confirmed"), number + 1)
    return records


def warning(record: tuple[int, int]) -> list[Text]:
    """What is said against suggestions of a rule that keeps failing."""
    hits, judged = record
    if not _keeps_failing(hits, judged):
        return []
    return [
        text(
            "This rule often fails: {hits} of its {judged} judged suggestions were confirmed; it is ranked down.",
            "此规则常常不准：{judged} 条已评判的建议中有 {hits} 条被证实；排名已降低。",
            hits=hits, judged=judged,
        )
    ]  # fmt: skip


def _keeps_failing(hits: int, judged: int) -> bool:
    return judged >= DOUBTFUL_FROM and 2 * hits < judged


def _steps(session: Session, study_id: int | None) -> dict[int, dict[str, dict[str, Any]]]:
    """Payload of each kind of event by suggestion; of repeated kinds the last."""
    query = (
        select(SuggestionEvent).join(Suggestion).where(Suggestion.study_id == study_id).order_by(SuggestionEvent.id)  # type: ignore[arg-type]
    )
    steps: dict[int, dict[str, dict[str, Any]]] = {}
    for event in session.exec(query):
        steps.setdefault(event.suggestion_id, {})[event.kind] = event.payload
    return steps


def _card(rule: str, rows: Sequence[Suggestion], steps: Mapping[int, Mapping[str, dict[str, Any]]]) -> ScoreCard:
    done = [steps.get(row.id or 0, {}) for row in rows]
    controlled = [one["judged"] for one in done if "judged" in one and _beside_control(one["judged"])]
    effects = [one for one in controlled if one.get("actual", {}).get("value") is not None]
    confirmed = sum(one["verdict"] == "confirmed" for one in controlled)
    inside = sum(_covered(one) for one in effects)
    return ScoreCard(
        rule=rule,
        fired=len(rows),
        accepted=sum("accepted" in one for one in done),
        implemented=sum("implemented" in one for one in done),
        judged=sum(row.verdict is not None for row in rows),
        controlled=len(controlled),
        confirmed=confirmed,
        hit_rate=proportion(confirmed, len(controlled)),
        mean_predicted=_mean([one["predicted"]["value"] / one["delta"] for one in effects]),
        mean_actual=_mean([one["actual"]["value"] / one["delta"] for one in effects]),
        covered=proportion(inside, len(effects)),
    )


def _beside_control(judged: Mapping[str, Any]) -> bool:
    """Whether a verdict came from a comparison with a randomised concurrent control: only these say whether a rule
    hits. Verdicts from before this was recorded are told by the method of the comparison.
    """
    if "controlled" in judged:
        return bool(judged["controlled"])
    uncontrolled = str(judged.get("actual", {}).get("method", "")).startswith("before and after")
    return judged["verdict"] in ("confirmed", "refuted", "inconclusive") and not uncontrolled


def _covered(judged: Mapping[str, Any]) -> bool:
    predicted, actual = judged["predicted"], judged["actual"]
    return bool(predicted["ci_low"] <= actual["value"] <= predicted["ci_high"])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
