"""From the ids that rows name to rows of the database; people, and on request items, are created on the way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col

from db.engine import insert_many
from db.tables import Impression, Item, Participant, Slate, now
from recux.ingest.plan import Row
from recux.ingest.state import Import, KnownSlate, Person, column_values

Selected = sa.Select[*tuple[Any, ...]]
"""A select of any columns."""
ITEM_DETAIL = "item."


def chunked_rows(run: Import, statement: Callable[[list[Any]], Selected], keys: Sequence[Any]) -> Iterable[Any]:
    """Rows of ``statement(part)`` for every part of ``keys`` that fits into one statement of either database."""
    if not keys:
        return
    run.settle()
    connection = run.session.connection()
    for start in range(0, len(keys), 5000):
        yield from connection.execute(statement(list(keys[start : start + 5000])))


def find_people(run: Import, external_ids: Sequence[str]) -> None:
    """Fill ``run.people`` with those that exist."""

    def those(ids: list[str]) -> Selected:
        columns = (
            col(Participant.external_id),
            col(Participant.id),
            col(Participant.arm_id),
            col(Participant.withdrawn_at),
        )
        return sa.select(*columns).where(*_named(run, Participant, ids))

    new = [name for name in external_ids if name not in run.people]
    for name, key, arm_id, withdrawn_at in chunked_rows(run, those, new):
        run.people[name] = Person(key, arm_id, withdrawn_at is not None)


def create_people(run: Import, external_ids: Sequence[str], *, arms: dict[str, int] | None = None) -> None:
    """Create those that do not exist; ``arms`` holds the arms that are known for some."""
    find_people(run, external_ids)
    new = [name for name in external_ids if name not in run.people]
    insert_many(run.session, Participant, [new_person(run, name, arm_id=(arms or {}).get(name)) for name in new])
    find_people(run, new)


def new_person(run: Import, external_id: str, *, arm_id: int | None = None, **known: Any) -> dict[str, Any]:
    """All columns of a new participant; without an arm, the one that :func:`arm_at_import` gives."""
    return {
        **defaults(Participant),
        "study_id": run.study_id,
        "external_id": external_id,
        "created_at": now(),
        **known,
        "arm_id": arm_id if arm_id is not None else arm_at_import(run, external_id),
    }


@cache
def defaults(table: type[SQLModel]) -> Mapping[str, Any]:
    """What a new row of ``table`` has in every column that nobody speaks about; made once, models are slow to make."""
    return MappingProxyType(table().model_dump(exclude={"id"}))


def arm_at_import(run: Import, external_id: str) -> int | None:
    """A person without an arm: assigned like anyone else once the study is live; before that the launch will do it,
    except where the study has a single arm and there is nothing to decide.
    """
    if run.study.status == "live":
        return run.balance.next_arm(external_id).id
    return run.balance.arms[0].id if len(run.balance.arms) == 1 else None


def find_items(run: Import, rows: Sequence[Row]) -> None:
    """Fill ``run.items`` for the rows, creating what is missing when the map says so."""

    def those(ids: list[str]) -> Selected:
        return sa.select(col(Item.external_id), col(Item.id)).where(*_named(run, Item, ids))

    new = [name for name in column_values(rows, "item_id") if name not in run.items]
    run.items.update({name: key for name, key in chunked_rows(run, those, new)})  # noqa: C416 - rows are not pairs to mypy
    missing = {name for name in new if name not in run.items}
    if missing and run.mapping.options.create_items:
        first = {row.values["item_id"]: row for row in reversed(rows) if row.values["item_id"] in missing}
        insert_many(run.session, Item, [_new_item(run, row) for row in first.values()])
        run.items.update({name: key for name, key in chunked_rows(run, those, list(first))})  # noqa: C416


def find_slates(run: Import, external_ids: Sequence[str]) -> None:
    """Fill ``run.slates`` with those that exist, and the items in them."""

    def those(ids: list[str]) -> Selected:
        columns = col(Slate.external_id), col(Slate.id), col(Slate.participant_id), col(Impression.item_id)
        joined = sa.select(*columns).join(Impression, col(Impression.slate_id) == col(Slate.id), isouter=True)
        return joined.where(*_named(run, Slate, ids))

    new = [name for name in external_ids if name not in run.slates]
    for name, key, participant_id, item_id in chunked_rows(run, those, new):
        slate = run.slates.setdefault(name, KnownSlate(key, participant_id, set()))
        slate.item_ids.add(item_id)


def settled(run: Import, rows: Sequence[Row]) -> list[Row]:
    """The rows whose item and slate are known and whose person may be written about; the others are put aside.

    People that the remaining rows name exist afterwards.
    """
    find_items(run, rows)
    slates, people = column_values(rows, "slate_id"), column_values(rows, "participant_id")
    find_slates(run, slates)
    find_people(run, people)
    if not slates and _all_known(run, rows, people):
        return list(rows)
    good = [row for row in rows if item_is_known(run, row) and not withdrew(run, row) and _slate_fits(run, row)]
    create_people(run, column_values(good, "participant_id"))
    return good


def _all_known(run: Import, rows: Sequence[Row], people: Sequence[str]) -> bool:
    """Whether every item and person that the rows name is there, and nobody withdrew: looked at by name, not by row."""
    known = all(name in run.items for name in column_values(rows, "item_id"))
    return known and all(name in run.people and not run.people[name].withdrawn for name in people)


def item_is_known(run: Import, row: Row) -> bool:
    """Whether the row's item exists; if not, the row is put aside."""
    if row.values["item_id"] in run.items:
        return True
    run.reject(
        row, "item_id", "item_id names an unknown item; import the items first, or set create_items = true in the map"
    )
    return False


def withdrew(run: Import, row: Row) -> bool:
    """Whether the row's person has withdrawn; if so, the row is put aside."""
    person = run.people.get(row.values["participant_id"])
    if person is None or not person.withdrawn:
        return False
    run.reject(row, "participant_id", "participant_id names a person who has withdrawn; nothing more is taken in")
    return True


def _slate_fits(run: Import, row: Row) -> bool:
    name = row.values.get("slate_id")
    if name is None:
        return True
    slate = run.slates.get(name)
    person = run.people.get(row.values["participant_id"])
    if slate is None:
        run.reject(row, "slate_id", "slate_id names an unknown slate; import the slates first")
    elif person is None or person.id != slate.participant_id:
        run.reject(row, "slate_id", f"slate_id names a slate of another person than {row.values['participant_id']}")
    elif run.items[row.values["item_id"]] not in slate.item_ids:
        run.reject(row, "slate_id", f"slate_id names a slate that does not hold item {row.values['item_id']}")
    else:
        return True
    return False


def _new_item(run: Import, row: Row) -> dict[str, Any]:
    said = {name.removeprefix(ITEM_DETAIL): value for name, value in row.values.items() if name.startswith(ITEM_DETAIL)}
    known = {name: value for name, value in said.items() if value is not None}
    attributes = {name.removeprefix("attr."): known.pop(name) for name in list(known) if name.startswith("attr.")}
    return new_item(run, row.values["item_id"], {**known, "attributes": attributes})


def new_item(run: Import, external_id: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """All columns of a new item, from what is known of it; its id stands in for a title."""
    identity = {"study_id": run.study_id, "external_id": external_id}
    return {**defaults(Item), "title": external_id, **identity, **known}


def _named(run: Import, table: type[SQLModel], ids: list[str]) -> tuple[sa.ColumnElement[bool], ...]:
    columns = table.__table__.c  # type: ignore[attr-defined]
    return columns.study_id == run.study_id, columns.external_id.in_(ids)
