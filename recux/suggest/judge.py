"""Judging accepted suggestions in the round that was named for it, from the frozen prediction alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlmodel import Session, col, select

from db.tables import Round, Suggestion, SuggestionEvent
from recux.stats import compare_means, holm
from recux.suggest.columns import Flags, Floats
from recux.suggest.evidence import read_evidence
from recux.suggest.frames import TRAITS, Evidence
from recux.suggest.life import event_of, expire, hash_of, last_event, mark_judged
from recux.suggest.measures import change_of
from recux.suggest.newcomers import came_after, first_received
from recux.suggest.outcomes import outcome
from recux.suggest.segment import arm_number, people_where
from recux.suggest.verdicts import Judgement, Promise, change_against, judge_beside_control, verdict_of

LOWER_IS_BETTER = frozenset(
    {"typical_ms", "any_failure", "failure_rate", "slow_share", "drop_off", "careless", "theme_share", "same_answer"}
)


def judge(session: Session, round_: Round) -> list[Suggestion]:
    """Judge what was to be judged in this round, and expire what nobody decided on. Returns the judged ones.

    Calling it again changes nothing: what is judged stays judged.
    """
    expire(session, round_.study_id, before=round_.number)
    due = session.exec(
        select(Suggestion)
        .where(
            Suggestion.study_id == round_.study_id,
            Suggestion.judged_in_round == round_.number,
            col(Suggestion.status).in_(["accepted", "implemented"]),
        )
        .order_by(col(Suggestion.id))
    ).all()
    if due:
        evidence = read_evidence(session, round_, rounds=(round_.number, round_.number))
        received = first_received(session, round_, evidence)
        made = {row.id: _practice(session, row) for row in due}
        for row in due:
            others = [made[other.id] for other in due if other is not row]
            _judge_one(session, round_, (evidence, received), row, [other.payload for other in others if other])
    done = select(Suggestion).where(
        Suggestion.study_id == round_.study_id,
        Suggestion.judged_in_round == round_.number,
        Suggestion.status == "judged",
    )
    return list(session.exec(done.order_by(col(Suggestion.id))))


def _practice(session: Session, row: Suggestion) -> SuggestionEvent | None:
    return last_event(session, row, "implemented") if row.status == "implemented" else None


def _judge_one(
    session: Session, round_: Round, seen: tuple[Evidence, Floats], row: Suggestion, others: list[dict[str, Any]]
) -> None:
    """Record the verdict on one suggestion; `seen` is the round's evidence and when each person in it came."""
    promised = event_of(session, row, "accepted") or {}
    if promised.get("hash") != hash_of(promised):
        judgement = Judgement("inconclusive", "the frozen prediction does not fit its hash")
        mark_judged(session, row, judgement.verdict, judgement.to_json())
        return
    event = _practice(session, row)
    practice = event.payload if event else None
    e = came_after(*seen, event.at) if event else None
    if e is None or practice is None:
        judgement = Judgement("not_implemented", "nobody said that it was put into practice before this round's data")
    else:
        promise = _promise(promised, practice)
        beside = _judgement(e, promise, others)
        judgement = beside or _without_control(session, e, row, promise)
    payload = {
        **judgement.to_json(),
        "round": round_.number,
        "predicted": promised["predicted"],
        "delta": promised["delta"],
        "guardrails": _guardrails(e, promised, practice) if e and practice else [],
    }
    mark_judged(session, row, judgement.verdict, payload)


def _promise(promised: Mapping[str, Any], practice: Mapping[str, Any]) -> Promise:
    predicted = promised["predicted"]
    # an effect that was shrunken to 0 still has a direction
    direction = predicted["value"] or (predicted["ci_low"] + predicted["ci_high"]) / 2
    return Promise(
        metric=promised["metric"],
        where=promised["where"],
        predicted=float(direction),
        delta=float(promised["delta"]),
        arm=practice.get("arm"),
        control=practice.get("control"),
    )


def _judgement(e: Evidence, promise: Promise, others: list[dict[str, Any]]) -> Judgement | None:
    if any(_clashes(promise, other) for other in others):
        return Judgement("confounded", "another accepted change reached the same people in this round")
    return judge_beside_control(e, promise)


def _without_control(session: Session, e: Evidence, row: Suggestion, promise: Promise) -> Judgement:
    before = read_evidence(session, session.get_one(Round, row.round_id))
    found = row.metric in ("mean_rating", "theme_share") or not set(TRAITS).isdisjoint(promise.where)
    return judge_before_after(before, e, promise, segment_found=found)


def _clashes(promise: Promise, other: Mapping[str, Any]) -> bool:
    """Whether another change reached the people that this verdict rests on, in one arm and not in the other."""
    if promise.arm is None or promise.control is None:
        return True
    return other.get("arm") is not None and other["arm"] in (promise.arm, promise.control)


def judge_before_after(before: Evidence, after: Evidence, promise: Promise, *, segment_found: bool) -> Judgement:
    """The verdict without a control: the change since the suggestion was made, minus that of matched segments.

    `segment_found` says that the segment was picked for being low: the baseline is then the confirmation half alone,
    which was not used to pick it.
    """
    first, then = outcome(before, promise.metric, promise.where), outcome(after, promise.metric, promise.where)
    if first is None or then is None:
        return verdict_of(change_of(promise.metric, promise.where, before, after), promise, controlled=False)
    old = _in_arm(before, promise.where) & (before.confirm if segment_found else True)
    new = _in_arm(after, promise.where)
    matched = matched_change(before, after, promise)
    actual = change_against(np.where(old, first, np.nan), np.where(new, then, np.nan), matched)
    return verdict_of(actual, promise, controlled=False)


def _in_arm(e: Evidence, where: Mapping[str, str]) -> Flags:
    return people_where(e, {"arm": where["arm"]} if "arm" in where else {})


def matched_change(before: Evidence, after: Evidence, promise: Promise) -> tuple[Any, Any] | None:
    """Values before and after of what resembles the segment and was not touched: the segment with another value of
    its category or trait that was nearest in level, or the same segment in the control's arm; None when there is none.
    """
    where = dict(promise.where)
    if "arm" in where and "control" in where:
        other = {**where, "arm": where["control"]}
        return _values(before, promise.metric, other), _values(after, promise.metric, other)
    key = next((k for k in ("category", *TRAITS) if k in where), None)
    if key is None:
        return None
    level = _mean(_values(before, promise.metric, where))
    rivals = [{**where, key: value} for value in _values_of(before, key) if value != where[key]]
    levels = [(abs(_mean(_values(before, promise.metric, rival)) - level), n) for n, rival in enumerate(rivals)]
    known = [pair for pair in levels if not np.isnan(pair[0])]
    if not known:
        return None
    nearest = rivals[min(known)[1]]
    return _values(before, promise.metric, nearest), _values(after, promise.metric, nearest)


def _values(e: Evidence, metric: str, where: Mapping[str, str]) -> Any:
    values = outcome(e, metric, where)
    return np.full(e.n, np.nan) if values is None else np.where(_in_arm(e, where), values, np.nan)


def _mean(values: Any) -> float:
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else float("nan")


def _values_of(e: Evidence, key: str) -> list[str]:
    column = e.items["category"] if key == "category" else e.people[key]
    return sorted({str(value) for value in column.dropna()})


def _guardrails(e: Evidence, promised: Mapping[str, Any], practice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each guardrail in the arm with the change against the control, p adjusted by Holm; empty without both."""
    if not practice.get("arm") or not practice.get("control"):
        return []
    a, b = (e.arm_of_person == arm_number(e, practice[key]) for key in ("control", "arm"))
    found = []
    for metric in promised["guardrails"]:
        values = outcome(e, metric, {})
        if values is None:
            continue
        known = ~np.isnan(values)
        compared = compare_means(values[a & known], values[b & known])
        if compared.difference is not None and compared.p is not None:
            found.append((metric, compared))
    adjusted = holm([compared.p or 0.0 for _, compared in found]) if found else ()
    return [
        {
            "metric": metric,
            "value": compared.difference,
            "ci_low": compared.ci_low,
            "ci_high": compared.ci_high,
            "p_adjusted": p,
            "worse": bool(p <= 0.05 and (compared.difference or 0) * (-1 if metric in LOWER_IS_BETTER else 1) < 0),
        }
        for (metric, compared), p in zip(found, adjusted, strict=True)
    ]
