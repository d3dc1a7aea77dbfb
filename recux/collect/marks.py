"""What people say about an item beside its stars: "I know it already" and "not for me".

Both are interactions, since recommenders and figures read those: ``know`` and ``dismiss``. A mark that is taken back is
deleted, because it was never said of anything else. "Not for me" settles an item, so nobody is asked for stars on what
they have waved away; "I know it already" does not, since one can rate what one knows.
"""

from collections.abc import Collection
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Impression, Interaction, Participant, Slate, now
from recux.collect.consent import require_consent
from recux.errors import InvalidInput, NotAllowed
from recux.ingest.keys import row_key

Mark = Literal["know", "dismiss"]
MARKS: tuple[Mark, ...] = ("know", "dismiss")


def set_marks(session: Session, participant: Participant, impression: Impression, marks: Collection[Mark]) -> None:
    """Let exactly ``marks`` stand for an item that was shown to the person; the same again changes nothing.

    Raises NotAllowed (no consent, withdrawn, study not open, somebody else's slate) and InvalidInput.
    """
    if not set(marks) <= set(MARKS):
        raise InvalidInput(f"the marks of an item are {' and '.join(MARKS)}, not {', '.join(sorted(marks))}")
    require_consent(session, participant)
    slate = session.get_one(Slate, impression.slate_id)
    if slate.participant_id != participant.id:
        raise NotAllowed(f"slate {slate.external_id!r} was not made for participant {participant.external_id!r}")
    keys: dict[Mark, str] = {mark: row_key(["page", impression.id, mark]) for mark in MARKS}
    own = sa.and_(col(Interaction.study_id) == slate.study_id, col(Interaction.row_key).in_(keys.values()))
    before = set(session.exec(select(Interaction.kind).where(own)))
    session.exec(sa.delete(Interaction).where(own, col(Interaction.kind).not_in(marks)))
    session.add_all(_new(slate, impression, mark, keys[mark]) for mark in MARKS if mark in marks and mark not in before)
    session.flush()


def marks_of(session: Session, slate: Slate) -> dict[int, frozenset[Mark]]:
    """The marks that stand, by item id."""
    given = select(Interaction).where(Interaction.slate_id == slate.id, col(Interaction.kind).in_(MARKS))
    found: dict[int, frozenset[Mark]] = {}
    for row in session.exec(given):
        mark: Mark = "know" if row.kind == "know" else "dismiss"
        found[row.item_id] = found.get(row.item_id, frozenset()) | {mark}
    return found


def _new(slate: Slate, impression: Impression, mark: Mark, key: str) -> Interaction:
    return Interaction(
        study_id=slate.study_id,
        participant_id=slate.participant_id,
        item_id=impression.item_id,
        slate_id=slate.id,
        row_key=key,
        kind=mark,
        occurred_at=now(),
    )
