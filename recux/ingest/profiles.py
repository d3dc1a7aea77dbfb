"""Participants and items: one row per id; a later file changes the columns that it has."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from db.engine import insert_many
from db.tables import Item, Participant
from recux.ingest.lookups import Selected, chunked_rows, find_people, new_item, new_person, withdrew
from recux.ingest.plan import Row
from recux.ingest.state import Import, column_values

ATTRIBUTE = "attr."
Columns = dict[str, Any]


def write_participants(run: Import, rows: Sequence[Row]) -> None:
    """Write participants. Their arm may change until the launch and is sticky afterwards."""
    names = column_values(rows, "participant_id")
    find_people(run, names)
    present = _present(run, Participant, names)
    fitting = [row for row in rows if not withdrew(run, row) and _arm_fits(run, row, present)]
    _write(run, Participant, fitting, "participant_id", present, new=_new_participant)
    for name in names:
        run.people.pop(name, None)  # they may have another arm now


def write_items(run: Import, rows: Sequence[Row]) -> None:
    """Write items."""
    _write(run, Item, rows, "item_id", _present(run, Item, column_values(rows, "item_id")), new=new_item)


def _write(
    run: Import,
    table: type[SQLModel],
    rows: Sequence[Row],
    key: str,
    present: dict[str, Columns],
    *,
    new: Callable[[Import, str, Columns], Columns],
) -> None:
    created: list[Columns] = []
    changed: dict[str, Columns] = {}
    for row in rows:
        name = row.values[key]
        given = _given(run, row, key)
        before = present.get(name)
        after = new(run, name, _merged({}, given)) if before is None else _merged(before, given)
        if before is None:
            created.append(after)
            run.written += 1
        elif after == before:
            run.unchanged += 1
        elif run.contradicts(row, name, key):
            continue
        else:
            changed[name] = after
            run.updated += 1
        present[name] = after
        run.first_line.setdefault(name, row.line)
    insert_many(run.session, table, created)
    update_many(run, table, list(changed.values()))


def update_many(run: Import, table: type[SQLModel], rows: list[Columns]) -> None:
    """Overwrite whole rows by their ``id``, in one statement executed many times."""
    if not rows:
        return
    target: sa.Table = table.__table__  # type: ignore[attr-defined]
    values: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(f"new_{name}") for name in rows[0] if name != "id"}
    statement = target.update().where(target.c.id == sa.bindparam("new_id")).values(values)
    run.session.connection().execute(statement, [{f"new_{name}": row[name] for name in row} for row in rows])


def _present(run: Import, table: type[SQLModel], names: list[str]) -> dict[str, Columns]:
    columns: sa.Table = table.__table__  # type: ignore[attr-defined]

    def those(ids: list[str]) -> Selected:
        return sa.select(columns).where(columns.c.study_id == run.study_id, columns.c.external_id.in_(ids))

    return {row.external_id: dict(row._mapping) for row in chunked_rows(run, those, names)}


def _given(run: Import, row: Row, key: str) -> Columns:
    """The columns of the table that the row speaks about; an empty cell says nothing."""
    given: Columns = {"attributes": {}}
    for name, value in row.values.items():
        if value is None or value == [] or name == key:
            continue
        if name.startswith(ATTRIBUTE):
            given["attributes"][name.removeprefix(ATTRIBUTE)] = value
        elif name == "arm":
            given["arm_id"] = run.arm_ids()[value]
        else:
            given[name] = value
    return given


def _merged(before: Columns, given: Columns) -> Columns:
    return {**before, **given, "attributes": {**before.get("attributes", {}), **given["attributes"]}}


def _new_participant(run: Import, name: str, given: Columns) -> Columns:
    return new_person(run, name, **given)


def _arm_fits(run: Import, row: Row, present: dict[str, Columns]) -> bool:
    wanted = row.values.get("arm")
    if not wanted:
        return True
    arms = run.arm_ids()
    if wanted not in arms:
        run.reject(row, "arm", f"arm is not one of this study's arms: {', '.join(arms)}")
        return False
    arm_id = present.get(row.values["participant_id"], {}).get("arm_id")
    if arm_id is None or arm_id == arms[wanted] or run.study.status == "draft":
        return True
    now_in = next(key for key, known in arms.items() if known == arm_id)
    run.reject(row, "arm", f"arm differs from the person's arm {now_in}, which is fixed since the launch")
    return False
