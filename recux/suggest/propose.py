"""Suggestions of a round: from its evidence to rows that an admin can accept."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Round, Suggestion, SuggestionEvent
from recux.suggest.draft import Draft, practical
from recux.suggest.drafting import draft
from recux.suggest.evidence import read_evidence
from recux.suggest.frames import Evidence
from recux.suggest.rank import Rank, rank_of
from recux.suggest.score_cards import records_by_rule, warning
from recux.suggest.segment import name_of


def propose(session: Session, round_: Round) -> list[Suggestion]:
    """Store what the round's evidence supports, best first; those that nobody has decided on are replaced.

    Calling it again gives the same suggestions. One that was accepted, declined or judged stays as it is.
    """
    assert round_.id is not None  # it comes from the database
    session.connection().execute(
        sa.delete(Suggestion).where(col(Suggestion.round_id) == round_.id, col(Suggestion.status) == "proposed")
    )
    decided = session.exec(select(Suggestion).where(Suggestion.round_id == round_.id)).all()
    taken = {(s.rule, s.segment, s.metric) for s in decided}
    evidence = read_evidence(session, round_)
    records = records_by_rule(session, round_.study_id)
    rows = [
        suggestion_of(round_, one, rank_of(evidence, one, records), evidence, records.get(one.rule, (0, 0)))
        for one in draft(evidence)
    ]
    fresh = [row for row in rows if (row.rule, row.segment, row.metric) not in taken]
    session.add_all(fresh)
    session.flush()
    session.add_all(_proposed(row) for row in fresh)
    session.flush()
    return sorted(fresh, key=lambda row: -row.rank)


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
            "trial": dict(one.trial) if one.trial else None,
            "rank": rank.to_json(),
        },
        judged_in_round=round_.number + 1,
        evidence={kind: list(one.ids.get(kind, ())) for kind in ("ratings", "comments", "answers", "requests")},
        against=[dict(text) for text in (*one.against, *warning(record))],
        rank=rank.value,
    )


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


def _proposed(row: Suggestion) -> SuggestionEvent:
    return SuggestionEvent(suggestion_id=row.id or 0, kind="proposed", actor="round", payload={"rank": row.rank})
