"""Suggestions of a round: from its evidence to rows that an admin can accept."""

from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from db.tables import Round, Suggestion
from recux.suggest.draft import Draft, Text, practical, text
from recux.suggest.drafting import draft
from recux.suggest.evidence import read_evidence
from recux.suggest.frames import Evidence
from recux.suggest.life import event_of, record
from recux.suggest.rank import Rank, rank_of
from recux.suggest.score_cards import records_by_rule, warning
from recux.suggest.segment import name_of


class Drafts(NamedTuple):
    """What a round's evidence supports, before anything is written."""

    evidence: Evidence
    drafts: list[Draft]


def drafts_of(session: Session, round_: Round) -> Drafts:
    """Read the round's evidence and draw up what it supports: the long part of `propose`, which only reads."""
    evidence = read_evidence(session, round_)
    return Drafts(evidence, draft(evidence))


def propose(session: Session, round_: Round, found: Drafts | None = None) -> list[Suggestion]:
    """Store what the round's evidence supports, best first; those that nobody has decided on are brought up to date.

    `found` are the round's drafts; they are drawn up here when left out. Calling it again gives the same suggestions.
    One that was accepted, declined or judged stays as it is. What people said of the same suggestion in an earlier
    round, its effort and owner, goes on to hold.
    """
    evidence, drafts = found or drafts_of(session, round_)
    records = records_by_rule(session, round_.study_id)
    earlier = _newest(session, round_)
    here = {_key(row): row for row in earlier.values() if row.round_id == round_.id}
    wanted = {}
    for one in drafts:
        row = suggestion_of(round_, one, rank_of(evidence, one, records), evidence, records.get(one.rule, (0, 0)))
        wanted[_key(row)] = _carried_on(session, row, earlier.get(_key(row)))
    for key, row in here.items():
        if row.status == "proposed" and key not in wanted:
            session.delete(row)
    stored = [_stored(session, row, here.get(key)) for key, row in wanted.items()]
    session.flush()
    return sorted((row for row in stored if row.status == "proposed"), key=lambda row: -row.rank)


Key = tuple[str, str, str]


def _key(row: Suggestion) -> Key:
    return row.rule, row.segment, row.metric


def _newest(session: Session, round_: Round) -> dict[Key, Suggestion]:
    """The last suggestion of each rule, segment and metric of the study, up to this round."""
    rows = session.exec(
        select(Suggestion)
        .join(Round, col(Round.id) == Suggestion.round_id)
        .where(Suggestion.study_id == round_.study_id, col(Round.number) <= round_.number)
        .order_by(col(Round.number), col(Suggestion.id))
    )
    return {_key(row): row for row in rows}


def _carried_on(session: Session, row: Suggestion, earlier: Suggestion | None) -> Suggestion:
    if earlier is None:
        return row
    row.effort, row.owner = earlier.effort, earlier.owner
    row.rank /= row.effort
    if earlier.round_id != row.round_id:
        row.against = [*row.against, *(dict(one) for one in _known_of(session, earlier))]
    return row


def _known_of(session: Session, earlier: Suggestion) -> list[Text]:
    """What came of the same suggestion in an earlier round."""
    if earlier.status == "declined":
        reason = (event_of(session, earlier, "declined") or {}).get("reason") or "-"
        return [text("It was declined before, because: {reason}", "此前已被拒绝，原因：{reason}", reason=reason)]
    if earlier.verdict == "confirmed":
        facts = {"n": earlier.judged_in_round, "arm": (event_of(session, earlier, "implemented") or {}).get("arm")}
        return [
            text(
                "Round {n} confirmed a change for this, in the arm {arm}: others still go without it.",
                "第 {n} 轮已证实方案 {arm} 中的改动有效：其他人尚未用上。",
                **facts,
            )
        ]
    return []


FRESH = ("rule_version", "category", "title", "change", "figure", "p_adjusted", "tested", "predicted", "evidence",
         "against", "rank")  # fmt: skip


def _stored(session: Session, row: Suggestion, here: Suggestion | None) -> Suggestion:
    if here is None:
        session.add(row)
        session.flush()
        record(session, row, "proposed", "round", {"rank": row.rank})
        return row
    if here.status == "proposed":
        for name in FRESH:
            setattr(here, name, getattr(row, name))
    return here


def suggestion_of(round_: Round, one: Draft, rank: Rank, e: Evidence, record: tuple[int, int]) -> Suggestion:
    """The row of a draft."""
    f = one.finding
    return Suggestion(
        study_id=round_.study_id,
        round_id=round_.id or 0,
        rule=one.rule,
        rule_version=one.version,
        category=one.category,
        segment=name_of(f.where),
        metric=f.metric,
        title=dict(one.title),
        change=dict(one.change),
        figure=_figure(one),
        p_adjusted=f.p_adjusted,
        tested=f.tried,
        predicted={
            **one.predicted.to_json(f"effect of the change on {one.predicted.metric}"),
            "delta": practical(one.predicted.metric),
            "guardrails": list(one.guardrails),
            "plan": {"control": e.arm_key(0), **one.plan} if e.arms else dict(one.plan),
            "trial": _trial(one, e),
            "rank": rank.to_json(),
        },
        judged_in_round=round_.number + 1,
        evidence={kind: list(one.ids.get(kind, ())) for kind in ("ratings", "comments", "answers", "requests")},
        against=[dict(text) for text in (*one.against, *warning(record))],
        rank=rank.value,
    )


SWITCHES = {"imported": frozenset[str](), "http": frozenset({"slate_size", "explanations"})}
"""Options that sources other than the built-in ones heed; those heed all."""


def _trial(one: Draft, e: Evidence) -> dict[str, Any] | None:
    """The options of an arm that would try the change, None where the source of the old arm would not heed them."""
    if not one.trial or not e.arms:
        return None
    control = one.plan.get("control", e.arm_key(0))
    source = one.trial.get("source") or next(arm.source for arm in e.arms if arm.key == control)
    heeded = set(one.trial.get("options", {})) <= SWITCHES.get(source, set(one.trial.get("options", {})))
    return dict(one.trial) if heeded else None


def _figure(one: Draft) -> dict[str, object]:
    f = one.finding
    return {
        "value": f.value,
        "ci_low": f.low,
        "ci_high": f.high,
        "n": f.n,
        "definition": f.definition,
        "method": f.method,
        "where": dict(f.where),
    }
