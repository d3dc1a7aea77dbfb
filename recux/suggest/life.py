"""The life of a suggestion: proposed, accepted with a frozen prediction, implemented, judged; or declined, expired."""

import hashlib
import json
from textwrap import shorten
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.queries import arms_of
from db.tables import Arm, Round, Study, Suggestion, SuggestionEvent, User
from recux.access import audit
from recux.errors import Conflict, InvalidInput, NotFound


def accept(
    session: Session, suggestion: Suggestion, *, actor: str, delta: float | None = None, note: str = ""
) -> Suggestion:
    """Decide to do it: freezes the prediction, delta and the plan with a hash.

    `delta` is the smallest effect worth having, in the metric's unit; by default the metric's own. The judging round
    is that of the open batch or a later one; it judges by people who come once the change is in place (`implement`).
    Raises Conflict unless it is proposed.
    """
    _must_be(suggestion, "proposed", "accepted")
    if delta is not None and not delta > 0:
        raise InvalidInput(f"delta == {delta!r}, must be above 0")
    newest = session.exec(select(sa.func.max(Round.number)).where(Round.study_id == suggestion.study_id)).one() or 0
    suggestion.judged_in_round = max(suggestion.judged_in_round, newest + 1)
    promise = frozen(suggestion, delta=delta)
    return _step(session, suggestion, "accepted", actor, {**promise, "hash": hash_of(promise), "note": note})


def decline(session: Session, suggestion: Suggestion, *, actor: str, reason: str = "") -> Suggestion:
    """Decide against it. Raises Conflict once it is implemented or judged."""
    _must_be(suggestion, ("proposed", "accepted"), "declined")
    return _step(session, suggestion, "declined", actor, {"reason": reason})


def implement(
    session: Session,
    suggestion: Suggestion,
    *,
    actor: str,
    note: str = "",
    arm: str | None = None,
    control: str | None = None,
) -> Suggestion:
    """Say that the change is in place, now: only people of whom nothing was received before are judged by.

    `arm` is the key of the arm that carries it and `control` that of the arm that goes on in the old way; a verdict of
    `confirmed` needs both. Left out, they are those of the plan (an arm comparison has both, other changes have no
    arm). Raises Conflict unless it is accepted, NotFound for an unknown arm.
    """
    _must_be(suggestion, "accepted", "implemented")
    plan = suggestion.predicted.get("plan") or {}
    arm = arm or plan.get("arm")
    control = (control or plan.get("control")) if arm else None
    known = {one.key for one in arms_of(session, suggestion.study_id)}
    for key in (arm, control):
        if key is not None and key not in known:
            raise NotFound(f"there is no arm {key!r}; there are {', '.join(sorted(known))}")
    if arm is not None and arm == control:
        raise InvalidInput(f"arm {arm!r} cannot be its own control: name the arm that goes on in the old way")
    return _step(session, suggestion, "implemented", actor, {"arm": arm, "control": control, "note": note})


def try_as_arm(session: Session, suggestion: Suggestion, *, actor: str, weight: float = 1.0) -> Arm:
    """Open an arm for the next round that tries the suggestion, beside the old way, and mark it implemented.

    The arm copies the control of the plan and adds the suggestion's switches. Raises Conflict when no switch of the
    built-in recommenders does what is suggested, when the control is gone, or when it is neither proposed nor accepted.
    """
    trial = suggestion.predicted.get("trial")
    if not trial:
        raise Conflict("no switch of the built-in recommenders does this: change the recommender and name its arm")
    control = suggestion.predicted["plan"]["control"]
    arms = {one.key: one for one in arms_of(session, suggestion.study_id)}
    if control not in arms:
        raise Conflict(f"there is no arm {control!r} any more to try it beside; there are {', '.join(sorted(arms))}")
    if suggestion.status == "proposed":
        accept(session, suggestion, actor=actor)
    _must_be(suggestion, "accepted", "implemented")
    old = arms[control]
    key = _free_key(f"{old.key}-{suggestion.rule}"[:60], set(arms))
    arm = Arm(
        study_id=suggestion.study_id,
        key=key,
        title=arm_title(suggestion),
        weight=weight,
        source=trial.get("source", old.source),
        options={**_shared(old, trial), **trial.get("options", {})},
    )
    session.add(arm)
    session.flush()
    implement(session, suggestion, actor=actor, arm=key, control=old.key, note="tried as an arm")
    return arm


def arm_title(suggestion: Suggestion) -> str:
    """What the arm that tries it is called: its change in at most 40 characters, so that it fits beside a chart."""
    return shorten(suggestion.change["en"].rstrip("."), 40, placeholder="…")


def set_effort(session: Session, suggestion: Suggestion, *, actor: str, effort: float) -> Suggestion:
    """Say how much work it is (1 a day, 3 a project); its rank is divided by it. Raises InvalidInput unless above 0."""
    if not 0 < effort < float("inf"):
        raise InvalidInput(f"effort == {effort!r}, must be above 0")
    suggestion.rank *= suggestion.effort / effort
    suggestion.effort = effort
    session.add(suggestion)
    record(session, suggestion, "effort", actor, {"effort": effort})
    return suggestion


def assign(session: Session, suggestion: Suggestion, *, actor: str, owner: str | None) -> Suggestion:
    """Say who sees to it: the address of an account, or None for nobody. Raises NotFound for an unknown account."""
    if owner is not None and session.exec(select(User.id).where(User.email == owner)).first() is None:
        raise NotFound(f"there is no account {owner!r} that could own the suggestion")
    suggestion.owner = owner
    session.add(suggestion)
    record(session, suggestion, "assigned", actor, {"owner": owner})
    return suggestion


def expire(session: Session, study_id: int, before: int) -> list[Suggestion]:
    """Close what nobody decided on before round `before`."""
    rows = session.exec(
        select(Suggestion)
        .join(Round, col(Round.id) == Suggestion.round_id)
        .where(Suggestion.study_id == study_id, Suggestion.status == "proposed", col(Round.number) < before)
    ).all()
    return [_step(session, row, "expired", "round", {"round": before}) for row in rows]


def frozen(suggestion: Suggestion, *, delta: float | None = None) -> dict[str, Any]:
    """What acceptance freezes."""
    predicted = suggestion.predicted
    return {
        "rule": suggestion.rule,
        "rule_version": suggestion.rule_version,
        "segment": suggestion.segment,
        "metric": predicted["metric"],
        "where": predicted["where"],
        "predicted": {key: predicted[key] for key in ("value", "ci_low", "ci_high", "n")},
        "delta": delta if delta is not None else predicted["delta"],
        "judged_in_round": suggestion.judged_in_round,
        "guardrails": predicted["guardrails"],
        "plan": predicted["plan"],
    }


def hash_of(promise: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a frozen prediction (without its hash and note)."""
    kept = {key: value for key, value in promise.items() if key not in ("hash", "note")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def last_event(session: Session, suggestion: Suggestion, kind: str) -> SuggestionEvent | None:
    """The suggestion's last event of a kind, or None."""
    rows = select(SuggestionEvent).where(SuggestionEvent.suggestion_id == suggestion.id, SuggestionEvent.kind == kind)
    return session.exec(rows.order_by(col(SuggestionEvent.id).desc())).first()


def event_of(session: Session, suggestion: Suggestion, kind: str) -> dict[str, Any] | None:
    """Payload of the suggestion's last event of a kind, or None."""
    last = last_event(session, suggestion, kind)
    return last.payload if last else None


def mark_judged(session: Session, suggestion: Suggestion, verdict: str, payload: dict[str, Any]) -> Suggestion:
    """Record the verdict."""
    suggestion.verdict = verdict
    return _step(session, suggestion, "judged", "round", {**payload, "verdict": verdict})


def _must_be(suggestion: Suggestion, status: str | tuple[str, ...], wanted: str) -> None:
    allowed = (status,) if isinstance(status, str) else status
    if suggestion.status not in allowed:
        needed = " or ".join(allowed)
        raise Conflict(f"suggestion {suggestion.id} is {suggestion.status}; it must be {needed} to be {wanted}")


def _shared(old: Arm, trial: dict[str, Any]) -> dict[str, Any]:
    """Options of the old arm that hold for the new one: all of them, or those that every source has."""
    if trial.get("source", old.source) == old.source:
        return dict(old.options)
    return {key: value for key, value in old.options.items() if key in ("diversity", "explanations", "slate_size")}


def _free_key(key: str, taken: set[str]) -> str:
    number, free = 2, key
    while free in taken:
        free, number = f"{key}-{number}", number + 1
    return free


def _step(session: Session, suggestion: Suggestion, kind: str, actor: str, payload: dict[str, Any]) -> Suggestion:
    suggestion.status = kind
    session.add(suggestion)
    record(session, suggestion, kind, actor, payload)
    return suggestion


def record(session: Session, suggestion: Suggestion, kind: str, actor: str, payload: dict[str, Any]) -> None:
    """Write a step into the suggestion's own history and into the audit log. Raises NotAllowed when ``actor`` may not
    take it.
    """
    assert suggestion.id is not None  # it comes from the database
    study = session.get_one(Study, suggestion.study_id)
    session.add(SuggestionEvent(suggestion_id=suggestion.id, kind=kind, actor=actor, payload=payload))
    target = f"suggestion {suggestion.id} of study {study.slug}"
    audit.record(session, actor=actor, action=f"suggestion.{kind}", target=target, rule=suggestion.rule)
    session.flush()
