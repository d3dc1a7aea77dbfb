"""Slates: one row per position; the slate itself comes from the first row that names it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from db.engine import insert_many
from db.tables import Impression, Participant, Slate
from recux.ingest.lookups import (
    Selected,
    chunked_rows,
    create_people,
    defaults,
    find_items,
    find_people,
    item_is_known,
    withdrew,
)
from recux.ingest.plan import Row
from recux.ingest.profiles import update_many
from recux.ingest.state import Import, column_values

HEAD = ("model_version", "served_at")
SPOT = ("score", "explanation")


@dataclass
class Draft:
    """A slate as it is to be after this import."""

    name: str
    participant: str
    arm_id: int | None
    head: dict[str, Any]
    id: int | None = None
    spots: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Position -> its impression's columns; with ``id`` once it is in the database."""
    changed: bool = False


def write_slates(run: Import, rows: Sequence[Row]) -> None:
    """Write slates and their impressions; an item keeps its position for good."""
    find_items(run, rows)
    find_people(run, column_values(rows, "participant_id"))
    drafts = _present(run, column_values(rows, "slate_id"))
    added: list[tuple[Draft, dict[str, Any]]] = []
    changed: dict[int, dict[str, Any]] = {}
    for row in rows:
        if not (item_is_known(run, row) and not withdrew(run, row) and _arm_is_known(run, row)):
            continue
        draft = drafts.get(row.values["slate_id"]) or _draft(run, row)
        if _belongs(run, row, draft) and _place(run, row, draft, added, changed):
            drafts[draft.name] = draft
    _store(run, list(drafts.values()), added)
    update_many(run, Impression, list(changed.values()))


def _place(
    run: Import, row: Row, draft: Draft, added: list[tuple[Draft, dict[str, Any]]], changed: dict[int, dict[str, Any]]
) -> bool:
    """Put the row's item at its position; False when the row was put aside."""
    position, item_id = row.values["position"], run.items[row.values["item_id"]]
    key = f"{draft.name}\n{position}"
    before = draft.spots.get(position)
    if before is None:
        _change_head(run, draft, row)
        said = {name: row.values.get(name) for name in SPOT}
        spot = {"item_id": item_id, "position": position, **said, "shown_at": draft.head["served_at"]}
        added.append((draft, spot))
        run.written += 1
    elif before["item_id"] != item_id:
        first = run.first_line.get(key)
        place = f"position {position} of slate {draft.name}"
        end = f"already holds another item, on line {first}" if first else "already holds another item"
        run.reject(row, "position", f"{place} {end}")
        return False
    else:
        spot = {**before, **_said(row, SPOT)}
        if spot != before and run.contradicts(row, key, "position"):
            return False
        head_changed = _change_head(run, draft, row)
        run.updated += spot != before or head_changed
        run.unchanged += spot == before and not head_changed
        if spot != before:
            changed[spot["id"]] = spot
    draft.spots[position] = spot
    run.first_line.setdefault(key, row.line)
    run.first_line.setdefault(draft.name, row.line)
    return True


def _belongs(run: Import, row: Row, draft: Draft) -> bool:
    """Whether the row speaks of the same slate as the rows before it; if not, it is put aside."""
    wanted = row.values.get("arm")
    if row.values["participant_id"] != draft.participant:
        run.reject(row, "participant_id", f"slate {draft.name} belongs to {draft.participant}")
    elif wanted and draft.arm_id not in {None, run.arm_ids()[wanted]}:
        run.reject(row, "arm", f"slate {draft.name} belongs to another arm")
    else:
        other = [name for name, value in _said(row, HEAD).items() if value != draft.head[name]]
        return not (other and run.contradicts(row, draft.name, other[0]))
    return False


def _said(row: Row, columns: tuple[str, ...]) -> dict[str, Any]:
    """What the row says about these columns; an empty cell says nothing."""
    return {name: row.values[name] for name in columns if row.values.get(name) is not None}


def _change_head(run: Import, draft: Draft, row: Row) -> bool:
    arm = row.values.get("arm")
    arm_id = run.arm_ids()[arm] if arm else draft.arm_id
    head = {**draft.head, **_said(row, HEAD)}
    changed = (head, arm_id) != (draft.head, draft.arm_id)
    draft.head, draft.arm_id, draft.changed = head, arm_id, draft.changed or changed
    return changed


def _draft(run: Import, row: Row) -> Draft:
    arm = row.values.get("arm")
    head = {name: row.values.get(name) for name in HEAD}
    return Draft(row.values["slate_id"], row.values["participant_id"], run.arm_ids()[arm] if arm else None, head)


def _arm_is_known(run: Import, row: Row) -> bool:
    arm = row.values.get("arm")
    if arm is None or arm in run.arm_ids():
        return True
    run.reject(row, "arm", f"arm is not one of this study's arms: {', '.join(run.arm_ids())}")
    return False


def _present(run: Import, names: list[str]) -> dict[str, Draft]:
    def slates(ids: list[str]) -> Selected:
        return (
            sa.select(Slate, col(Participant.external_id))
            .join(Participant, col(Participant.id) == col(Slate.participant_id))
            .where(col(Slate.study_id) == run.study_id, col(Slate.external_id).in_(ids))
        )

    def impressions(ids: list[int]) -> Selected:
        return sa.select(Impression.__table__).where(col(Impression.slate_id).in_(ids))  # type: ignore[attr-defined]

    found = {
        row.id: Draft(row.external_id, row[-1], row.arm_id, {name: getattr(row, name) for name in HEAD}, row.id)
        for row in chunked_rows(run, slates, names)
    }
    for spot in chunked_rows(run, impressions, list(found)):
        found[spot.slate_id].spots[spot.position] = dict(spot._mapping)
    return {draft.name: draft for draft in found.values()}


def _store(run: Import, drafts: list[Draft], added: list[tuple[Draft, dict[str, Any]]]) -> None:
    arms = {draft.participant: draft.arm_id for draft in drafts if draft.arm_id is not None}
    create_people(run, list(dict.fromkeys(draft.participant for draft in drafts)), arms=arms)
    _adopt_arms(run, arms)
    new = [draft for draft in drafts if draft.id is None]
    insert_many(run.session, Slate, [_slate_row(run, draft) for draft in new])
    ids = {draft.name: key for key, draft in _ids(run, new)}
    rows = [{"slate_id": draft.id or ids[draft.name], **spot} for draft, spot in added]
    insert_many(run.session, Impression, rows)
    for draft in drafts:
        if draft.changed and draft.id is not None:
            _update_slate(run, draft)


def _adopt_arms(run: Import, arms: dict[str, int]) -> None:
    """Who has no arm and was served by one belongs to it."""
    for name, arm_id in arms.items():
        person = run.people[name]
        if person.arm_id is None:
            statement = sa.update(Participant).where(col(Participant.id) == person.id)
            run.session.connection().execute(statement.values(arm_id=arm_id))
            run.people[name] = person._replace(arm_id=arm_id)


def _slate_row(run: Import, draft: Draft) -> dict[str, Any]:
    person = run.people[draft.participant]
    arm_id = draft.arm_id if draft.arm_id is not None else person.arm_id
    place = {"study_id": run.study_id, "participant_id": person.id, "external_id": draft.name, "arm_id": arm_id}
    return {**defaults(Slate), **place, **draft.head}


def _ids(run: Import, drafts: list[Draft]) -> list[tuple[int, Draft]]:
    by_name = {draft.name: draft for draft in drafts}

    def those(names: list[str]) -> Selected:
        found = col(Slate.study_id) == run.study_id, col(Slate.external_id).in_(names)
        return sa.select(col(Slate.id), col(Slate.external_id)).where(*found)

    return [(key, by_name[name]) for key, name in chunked_rows(run, those, list(by_name))]


def _update_slate(run: Import, draft: Draft) -> None:
    connection = run.session.connection()
    connection.execute(sa.update(Slate).where(col(Slate.id) == draft.id).values(arm_id=draft.arm_id, **draft.head))
    served: datetime | None = draft.head["served_at"]
    unseen = col(Impression.slate_id) == draft.id, col(Impression.shown_at).is_(None)
    connection.execute(sa.update(Impression).where(*unseen).values(shown_at=served))
