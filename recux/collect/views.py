"""Which items people had before their eyes, and for how long.

A view is an item of which at least half was in the window for at least one second (the viewability rule of the Media
Rating Council). The browser adds up and sends now and then, beside the page, so that no click ever waits for it.
"""

from collections.abc import Mapping

from sqlmodel import Session, col, select

from db.tables import Impression, Interaction, Participant, Slate, now
from recux.collect.consent import OPEN, decision_of, lock, standing
from recux.ingest.keys import row_key

SHORTEST_MS = 1000.0
LONGEST_MS = 3_600_000.0
"""An hour before one item is a window left open, not reading; more is not added."""


def record_views(session: Session, participant: Participant, seen: Mapping[int, float]) -> int:
    """Add ``seen`` (impression id -> milliseconds since the last report) to the person's views; returns how many.

    What was not shown to this person, or too briefly, is left out. Whoever may not answer now leaves no trace either.
    """
    if standing(session, participant) != OPEN or not decision_of(session, participant):
        return 0
    lock(session, participant)  # two tabs may report at once
    rows = session.exec(
        select(Impression, Slate)
        .join(Slate, col(Slate.id) == Impression.slate_id)
        .where(Slate.participant_id == participant.id, col(Impression.id).in_(seen))
    ).all()
    keys = {impression.id: row_key(["page", impression.id, "view"]) for impression, _ in rows}
    known = _known(session, participant, list(keys.values()))
    views = [_view(known.get(keys[row.id]), row, slate, keys[row.id], seen[row.id or 0]) for row, slate in rows]
    written = [view for view in views if view is not None]
    session.add_all(written)
    session.flush()
    return len(written)


def _known(session: Session, participant: Participant, keys: list[str]) -> dict[str, Interaction]:
    own = select(Interaction).where(Interaction.study_id == participant.study_id, col(Interaction.row_key).in_(keys))
    return {row.row_key: row for row in session.exec(own)}


def _view(
    known: Interaction | None, impression: Impression, slate: Slate, key: str, milliseconds: float
) -> Interaction | None:
    if known is None and milliseconds < SHORTEST_MS:
        return None
    view = known or Interaction(
        study_id=slate.study_id,
        participant_id=slate.participant_id,
        item_id=impression.item_id,
        slate_id=slate.id,
        row_key=key,
        kind="view",
        occurred_at=now(),
    )
    view.dwell_ms = min((view.dwell_ms or 0.0) + max(milliseconds, 0.0), LONGEST_MS)
    return view
