"""Ratings that come one at a time, many of them at once: one read and one write for all that wait together.

It knows the plain case alone: an open study, a known person who has not withdrawn, a known item, a slate of theirs that
holds it. Whatever else there is goes the long way of :mod:`recux.ingest.run` or :mod:`recux.collect.ratings`, which
have the words for it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session

from db.bulk import table_of
from db.engine import is_sqlite
from db.tables import Consent, ConsentText, Impression, Item, Participant, Rating, Slate, Study, now
from recux.ingest.feedback import OPINION, opinion_of
from recux.ingest.keys import rating_key
from recux.ingest.mapping import Map
from recux.ingest.plan import Plan, Row, plan_for, read_row
from recux.ingest.result import ImportResult
from recux.ingest.sources import Record

STUDY, PERSON, ITEM = table_of(Study), table_of(Participant), table_of(Item)
SLATE, SPOT, RATING = table_of(Slate), table_of(Impression), table_of(Rating)
AGREED, WORDS = table_of(Consent), table_of(ConsentText)
WRITTEN = ImportResult(read=1, written=1, updated=0, unchanged=0, quarantined=0)
UPDATED = ImportResult(read=1, written=0, updated=1, unchanged=0, quarantined=0)
UNCHANGED = ImportResult(read=1, written=0, updated=0, unchanged=1, quarantined=0)
NAMES = ("slug", "person", "item", "slate", "row_key")


class Given(NamedTuple):
    """One rating that somebody sent."""

    slug: str
    person: str
    item: str
    slate: str | None
    row_key: str
    opinion: Mapping[str, Any]
    """What it says of the columns that a revision may change."""
    rated_at: datetime | None
    """None: now, at the moment of writing, when the person says it themselves."""


class Kept(NamedTuple):
    """What became of one rating, and how it stands now."""

    result: ImportResult
    rating: float
    comment: str | None
    rated_at: datetime | None


def import_rating(session: Session, study_slug: str, cells: Mapping[str, Any]) -> ImportResult | None:
    """Write one rating, exactly as an import of this one row would; None when it is not a plain case, and then nothing
    was written. Raises IntegrityError when somebody writes the same rating at this moment.
    """
    given = read_rating(study_slug, cells)
    kept = None if given is None else write_together(session.connection(), [given])[0]
    return None if kept is None else kept.result


def read_rating(study_slug: str, cells: Mapping[str, Any]) -> Given | None:
    """The rating that a row of an import is; None when the row breaks a rule or has columns that nobody knows."""
    plan = _plan(tuple(cells))
    row = read_row(plan, Record(1, dict(cells)), 1)
    if plan.ignored or not isinstance(row, Row):
        return None
    said = row.values
    place = said["participant_id"], said["item_id"], said.get("slate_id")
    rated_at = said.get("rated_at")
    return Given(study_slug, *place, rating_key(*place, rated_at), opinion_of(row), rated_at)


def write_together(
    connection: sa.Connection, given: Sequence[Given], *, by_themselves: bool = False
) -> list[Kept | None]:
    """Write ratings in the transaction of ``connection``, with one read and at most two writes for all of them.

    None stands for each that is not a plain case; nothing of it was written. That is also whose person somebody else
    writes for at this moment (Postgres), and the second of two with the same key. ``by_themselves``: people say it
    now, so they must take part and have consented, and the items must be on a slate of theirs.
    Raises IntegrityError when somebody writes the same rating at this moment.
    """
    found = _found(connection, given, by_themselves=by_themselves)
    moment, taken = now(), set[tuple[str, str]]()
    kept: list[Kept | None] = []
    replaced: list[int] = []
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(given):
        place = found.get(number)
        imported = place is not None and not (place.raw_scale is None and place.recommended is None)
        if place is None or (one.slug, one.row_key) in taken or (by_themselves and imported):
            kept.append(None)
            continue
        taken.add((one.slug, one.row_key))
        result, row = _revision(place, one, moment if by_themselves else one.rated_at, moment)
        kept.append(Kept(result, row["rating"], row["comment"], row["rated_at"]))
        if result is not UNCHANGED:
            rows.append(row)
            replaced += [place.rating_id] if result is UPDATED else []
    if replaced:
        connection.execute(_retire(), [{"old": old} for old in replaced])
    if rows:
        connection.execute(_insert(), rows)
    return kept


def _revision(place: Any, given: Given, rated_at: Any, moment: datetime) -> tuple[ImportResult, dict[str, Any]]:
    """What becomes of a rating, and the row that says so."""
    before = {name: getattr(place, name) for name in OPINION} if place.rating_id is not None else None
    after = {**(before or dict.fromkeys(OPINION)), **given.opinion}
    ids = {"study_id": place.study_id, "participant_id": place.participant_id, "item_id": place.item_id}
    if before == after:
        return UNCHANGED, {**after, "rated_at": place.was_rated_at}
    row = {**ids, "slate_id": place.slate_id, "row_key": given.row_key, "current": True, **after}
    return (WRITTEN if before is None else UPDATED), {**row, "rated_at": rated_at, "received_at": moment}


def _found(connection: sa.Connection, given: Sequence[Given], *, by_themselves: bool) -> dict[int, Any]:
    """Everything that plain ratings point at, by the number of the rating."""
    found: dict[int, Any] = {}
    for with_slate in {one.slate is not None for one in given}:
        numbers = [number for number, one in enumerate(given) if (one.slate is not None) == with_slate]
        asked = [[number, *given[number][: len(NAMES)]] for number in numbers]
        sqlite = is_sqlite(connection)
        sent: dict[str, Any] = {"asked": json.dumps(asked)}
        if not sqlite:
            columns = zip(*asked, strict=True)
            sent = {name: list(column) for name, column in zip(("number", *NAMES), columns, strict=True)}
        wanted = _lookup(sqlite=sqlite, with_slate=with_slate, by_themselves=by_themselves)
        found.update({row.number: row for row in connection.execute(wanted, sent)})
    return found


@lru_cache(maxsize=64)
def _plan(columns: tuple[str, ...]) -> Plan:
    return plan_for("ratings", Map(), columns)


@lru_cache(maxsize=1)
def _retire() -> sa.Update:
    return sa.update(RATING).where(RATING.c.id == sa.bindparam("old")).values(current=False)


@lru_cache(maxsize=1)
def _insert() -> sa.Insert:
    return sa.insert(RATING)


@lru_cache(maxsize=8)
def _lookup(*, sqlite: bool, with_slate: bool, by_themselves: bool) -> sa.Select[Any]:
    """What ratings point at, and their present revisions; no row unless all is plain.

    On Postgres nobody else writes for these people until the transaction ends; whom somebody writes for already is
    left out, so that no group of ratings waits for another one.
    """
    asked, names = _asked_of_sqlite() if sqlite else _asked_of_postgres()
    tables: Any = asked.join(STUDY, STUDY.c.slug == names["slug"])
    tables = tables.join(PERSON, sa.and_(PERSON.c.study_id == STUDY.c.id, PERSON.c.external_id == names["person"]))
    tables = tables.join(ITEM, sa.and_(ITEM.c.study_id == STUDY.c.id, ITEM.c.external_id == names["item"]))
    where: list[Any] = [PERSON.c.withdrawn_at.is_(None)]
    where += _may_answer() if by_themselves else [STUDY.c.status != "closed"]
    slate: Any = sa.null()
    if with_slate:
        slate = SLATE.c.id
        tables = tables.join(SLATE, sa.and_(SLATE.c.study_id == STUDY.c.id, SLATE.c.external_id == names["slate"]))
        where.append(SLATE.c.participant_id == PERSON.c.id)
        where.append(sa.exists().where(SPOT.c.slate_id == SLATE.c.id, SPOT.c.item_id == ITEM.c.id))
    same = RATING.c.study_id == STUDY.c.id, RATING.c.row_key == names["row_key"], sa.text("rating.current")
    tables = tables.outerjoin(RATING, sa.and_(*same))
    ids = STUDY.c.id.label("study_id"), PERSON.c.id.label("participant_id"), ITEM.c.id.label("item_id")
    held = RATING.c.id.label("rating_id"), RATING.c.rated_at.label("was_rated_at"), *(RATING.c[n] for n in OPINION)
    chosen = sa.select(names["number"].label("number"), *ids, slate.label("slate_id"), *held)
    chosen = chosen.select_from(tables).where(*where)
    return chosen if sqlite else chosen.with_for_update(of=PERSON, key_share=True, skip_locked=True)


def _may_answer() -> list[Any]:
    """That a person takes part now: the plain case of ``recux.collect.consent.require_consent``."""
    texts = WORDS.alias()
    newest = sa.select(sa.func.max(texts.c.version)).where(texts.c.study_id == STUDY.c.id).correlate(STUDY)
    agreed = (
        sa.select(sa.and_(AGREED.c.given, WORDS.c.version == newest.scalar_subquery()))
        .join_from(AGREED, WORDS, WORDS.c.id == AGREED.c.consent_text_id)
        .where(AGREED.c.participant_id == PERSON.c.id)
        .order_by(AGREED.c.id.desc())
        .limit(1)
        .correlate(PERSON, STUDY)
        .scalar_subquery()
    )
    return [STUDY.c.status == "live", PERSON.c.rejected_at.is_(None), agreed]


def _asked_of_sqlite() -> tuple[Any, dict[str, Any]]:
    """The ratings as a table, from one parameter."""
    asked = sa.func.json_each(sa.bindparam("asked")).table_valued("value", name="asked")
    parts = {name: sa.func.json_extract(asked.c.value, f"$[{place}]") for place, name in enumerate(("number", *NAMES))}
    return asked, parts


def _asked_of_postgres() -> tuple[Any, dict[str, Any]]:
    numbers = sa.bindparam("number", type_=ARRAY(sa.Integer))
    texts = [sa.bindparam(name, type_=ARRAY(sa.Text)) for name in NAMES]
    columns: list[sa.ColumnClause[Any]] = [sa.column("number", sa.Integer), *(sa.column(n, sa.Text) for n in NAMES)]
    asked = sa.func.unnest(numbers, *texts).table_valued(*columns, name="asked").render_derived()
    return asked, {column.name: asked.c[column.name] for column in columns}
