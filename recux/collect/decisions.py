"""The record of what the team decided, with the figures frozen as they stood."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from db.queries import rounds_of
from db.tables import Decision, Study, Suggestion
from recux.errors import InvalidInput, NotFound

LONGEST = 2000
FIELDS = ("section", "metric", "arm", "value", "ci_low", "ci_high", "n", "definition", "method", "reason")


def record_decision(
    session: Session,
    study: Study,
    *,
    decision: str,
    by: str,
    reason: str = "",
    figures: Sequence[dict[str, Any]] = (),
    suggestion_id: int | None = None,
) -> Decision:
    """Note a decision for good; nothing of it is ever changed.

    ``figures`` hold ``metric`` and what is known of ``FIELDS``. Raises ``InvalidInput`` without words or with too
    many, ``NotFound`` when the suggestion is not of this study.
    """
    said, why = decision.strip(), reason.strip()
    if not said:
        raise InvalidInput("say in a sentence what was decided")
    if max(len(said), len(why)) > LONGEST:
        raise InvalidInput(f"a decision and its reason have at most {LONGEST:,} letters each")
    if suggestion_id is not None:
        suggestion = session.get(Suggestion, suggestion_id)
        if suggestion is None or suggestion.study_id != study.id:
            raise NotFound(f"there is no suggestion {suggestion_id} in this study")
    done = [one.number for one in rounds_of(session, study.id or 0) if one.status == "done"]
    frozen = [{"section": "", "arm": ""} | {name: one[name] for name in FIELDS if name in one} for one in figures]
    row = Decision(
        study_id=study.id or 0,
        decided_by=by,
        decision=said,
        reason=why,
        figures=frozen,
        round_number=max(done, default=None),
        suggestion_id=suggestion_id,
    )
    session.add(row)
    session.flush()
    return row
