"""What people say about an item beside its stars: "I know it already" and "not for me".

Both are interactions, since recommenders and figures read those: ``know`` and ``dismiss``. A mark that is taken back is
deleted, because it was never said of anything else. "Not for me" settles an item, so nobody is asked for stars on what
they have waved away; "I know it already" does not, since one can rate what one knows.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import col

from db.tables import Interaction, now
from recux.collect.opinions import MARKS, Mark, Place
from recux.ingest.keys import row_key


def save_marks(connection: sa.Connection, place: Place, marks: Collection[Mark]) -> None:
    """Let exactly ``marks`` stand for an item that somebody who may answer was shown; the same again changes nothing.

    Who may is for the caller to ask, in the same transaction (:func:`recux.collect.consent.require_answering`).
    """
    keys: dict[Mark, str] = {mark: row_key(["page", place.impression_id, mark]) for mark in MARKS}
    own = {"study": place.study_id, "keys": list(keys.values())}
    before = set(connection.execute(_STANDING, own).scalars())
    back = [keys[mark] for mark in MARKS if mark in before and mark not in marks]
    if back:
        connection.execute(_DELETE, own | {"keys": back})
    new = [_row(place, mark, keys[mark]) for mark in MARKS if mark in marks and mark not in before]
    if new:
        connection.execute(_INSERT, new)


def _row(place: Place, mark: Mark, key: str) -> dict[str, object]:
    return {
        "study_id": place.study_id,
        "participant_id": place.participant_id,
        "item_id": place.item_id,
        "slate_id": place.slate_id,
        "row_key": key,
        "kind": mark,
        "occurred_at": now(),
    }


_OWN = (
    col(Interaction.study_id) == sa.bindparam("study"),
    col(Interaction.row_key).in_(sa.bindparam("keys", expanding=True)),
)
_STANDING = sa.select(col(Interaction.kind)).where(*_OWN)
_DELETE = sa.delete(Interaction.__table__).where(*_OWN)  # type: ignore[attr-defined]
_INSERT = sa.insert(Interaction.__table__)  # type: ignore[attr-defined]
