"""One rating at a time, the quick way: one read and one write.

It knows the plain case alone: an open study, a known person who has not withdrawn, a known item, a slate of theirs that
holds it. Whatever else there is goes the long way of :mod:`recux.ingest.run`, which has the words for it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from db.bulk import table_of
from db.engine import is_sqlite
from db.tables import Impression, Item, Participant, Rating, Slate, Study, now
from recux.ingest.feedback import OPINION, opinion_of
from recux.ingest.keys import rating_key
from recux.ingest.mapping import Map
from recux.ingest.plan import Plan, Row, plan_for, read_row
from recux.ingest.result import ImportResult
from recux.ingest.sources import Record

STUDY, PERSON, ITEM = table_of(Study), table_of(Participant), table_of(Item)
SLATE, SPOT, RATING = table_of(Slate), table_of(Impression), table_of(Rating)
WRITTEN = ImportResult(read=1, written=1, updated=0, unchanged=0, quarantined=0)
UPDATED = ImportResult(read=1, written=0, updated=1, unchanged=0, quarantined=0)
UNCHANGED = ImportResult(read=1, written=0, updated=0, unchanged=1, quarantined=0)


def import_rating(session: Session, study_slug: str, cells: Mapping[str, Any]) -> ImportResult | None:
    """Write one rating, exactly as an import of this one row would; None when it is not a plain case, and then nothing
    was written. Raises IntegrityError when somebody writes the same rating at this moment.
    """
    plan = _plan(tuple(cells))
    row = read_row(plan, Record(1, dict(cells)), 1)
    if plan.ignored or not isinstance(row, Row):
        return None
    said = row.values
    slate = said.get("slate_id")
    key = rating_key(said["participant_id"], said["item_id"], slate, said.get("rated_at"))
    connection = session.connection()
    named = {"slug": study_slug, "person": said["participant_id"], "item": said["item_id"], "slate": slate, "key": key}
    found = connection.execute(_lookup(with_slate=slate is not None, lock=not is_sqlite(connection)), named).first()
    if found is None:
        return None
    return _write(connection, found, key, opinion_of(row), said.get("rated_at"))


def _write(connection: sa.Connection, found: Any, key: str, opinion: dict[str, Any], rated_at: Any) -> ImportResult:
    before = {name: getattr(found, name) for name in OPINION} if found.rating_id is not None else None
    after = {**(before or dict.fromkeys(OPINION)), **opinion}
    if before == after:
        return UNCHANGED
    if before is not None:
        connection.execute(sa.update(RATING).where(RATING.c.id == found.rating_id).values(current=False))
    place = {"study_id": found.study_id, "participant_id": found.participant_id, "item_id": found.item_id}
    times = {"rated_at": rated_at, "received_at": now()}
    made = {**place, "slate_id": found.slate_id, "row_key": key, "current": True, **after, **times}
    connection.execute(sa.insert(RATING), made)
    return WRITTEN if before is None else UPDATED


@lru_cache(maxsize=64)
def _plan(columns: tuple[str, ...]) -> Plan:
    return plan_for("ratings", Map(), columns)


@lru_cache(maxsize=4)
def _lookup(*, with_slate: bool, lock: bool) -> sa.Select[Any]:
    """Everything that the rating points at, and its present revision; no row unless all is plain."""
    held = RATING.c.id.label("rating_id"), *(RATING.c[name] for name in OPINION)
    where = [STUDY.c.slug == sa.bindparam("slug"), STUDY.c.status != "closed", PERSON.c.withdrawn_at.is_(None)]
    tables: Any = STUDY.join(
        PERSON, sa.and_(PERSON.c.study_id == STUDY.c.id, PERSON.c.external_id == sa.bindparam("person"))
    ).join(ITEM, sa.and_(ITEM.c.study_id == STUDY.c.id, ITEM.c.external_id == sa.bindparam("item")))
    slate: Any = sa.null().label("slate_id")
    if with_slate:
        slate = SLATE.c.id.label("slate_id")
        tables = tables.join(SLATE, SLATE.c.participant_id == PERSON.c.id)
        where.append(SLATE.c.external_id == sa.bindparam("slate"))
        where.append(sa.exists().where(SPOT.c.slate_id == SLATE.c.id, SPOT.c.item_id == ITEM.c.id))
    same = sa.and_(RATING.c.study_id == STUDY.c.id, RATING.c.row_key == sa.bindparam("key"), sa.text("rating.current"))
    ids = STUDY.c.id.label("study_id"), PERSON.c.id.label("participant_id"), ITEM.c.id.label("item_id")
    chosen = sa.select(*ids, slate, *held).select_from(tables.outerjoin(RATING, same)).where(*where)
    return chosen.with_for_update(of=PERSON, key_share=True) if lock else chosen
