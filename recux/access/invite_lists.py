"""Invite lists: people in from a CSV file, their links out as one."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session, select

from db.queries import arms_of
from db.tables import Participant, Study, now
from recux.access.invites import Invite, create_invites
from recux.errors import Conflict, InvalidInput
from recux.spreadsheet import safe_cell

COLUMNS = ("participant_id", "cohort", "language", "arm")
LONGEST = 100_000
"""Rows of one list."""


class Row(NamedTuple):
    """One person of an invite list; empty text means not given."""

    participant_id: str
    cohort: str = ""
    language: str = ""
    arm: str = ""


def read_list(content: bytes) -> list[Row]:
    """The people in a CSV file with the column ``participant_id`` and, if wanted, ``cohort``, ``language``, ``arm``.

    Raises InvalidInput that names the line for a file of another kind, an id that is missing, too long or there twice.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        columns, found = reader.fieldnames or [], list(reader)
    except (UnicodeDecodeError, csv.Error):
        raise InvalidInput("this is not a CSV file in UTF-8") from None
    if "participant_id" not in columns:
        raise InvalidInput(f"the list needs a column participant_id; it has {', '.join(columns) or 'none'}")
    if len(found) > LONGEST:
        raise InvalidInput(f"the list has {len(found):,} rows; give at most {LONGEST:,} at a time")
    rows: dict[str, Row] = {}
    for line, record in enumerate(found, start=2):
        row = Row(*((record.get(name) or "").strip() for name in COLUMNS))
        if not row.participant_id or len(row.participant_id) > 255:
            raise InvalidInput(f"line {line}: participant_id must have 1 to 255 characters")
        if row.participant_id in rows:
            raise InvalidInput(f"line {line}: {row.participant_id!r} is there twice")
        rows[row.participant_id] = row
    return list(rows.values())


def invite_list(session: Session, study: Study, rows: Sequence[Row], *, test: bool = False) -> list[Invite]:
    """New links for the people of a list; those who are new are made, with cohort, language and arm.

    Somebody who has an arm keeps it. Raises InvalidInput for an arm that the study does not have, Conflict for one
    that differs from the person's own.
    """
    assert study.id is not None
    arms = {arm.key: arm.id for arm in arms_of(session, study.id)}
    invites = create_invites(session, study, participant_ids=[row.participant_id for row in rows], test=test)
    session.flush()
    mine = select(Participant).where(Participant.study_id == study.id)
    people = {person.external_id: person for person in session.exec(mine)}
    for row in rows:
        person = people[row.participant_id]
        if row.arm and row.arm not in arms:
            raise InvalidInput(f"{row.participant_id}: the study has no arm {row.arm!r}; it has {', '.join(arms)}")
        if row.arm and person.arm_id not in {None, arms[row.arm]}:
            raise Conflict(f"{row.participant_id} is in another arm already, and people keep their arm")
        person.cohort, person.language = row.cohort or person.cohort, row.language or person.language
        person.arm_id = arms[row.arm] if row.arm else person.arm_id
        person.invited_at = now()
        session.add(person)
    session.flush()
    return invites


def replace_people(session: Session, study: Study, participant_ids: Sequence[str]) -> list[Invite]:
    """A new person, with a link, for the place of each of these, who were rejected: in the same arm and cohort.

    Raises Conflict for somebody who was not rejected.
    """
    invites = []
    for name in dict.fromkeys(participant_ids):
        old = session.exec(select(Participant).where(Participant.study_id == study.id, Participant.external_id == name))
        before = old.first()
        if before is None or before.rejected_at is None:
            raise Conflict(f"{name} was not rejected, so the place is not free")
        invite = create_invites(session, study, count=1)[0]
        session.flush()
        fresh = session.exec(
            select(Participant).where(
                Participant.study_id == study.id, Participant.external_id == invite.participant_id
            )
        ).one()
        fresh.arm_id, fresh.second_arm_id, fresh.cohort = before.arm_id, before.second_arm_id, before.cohort
        fresh.invited_at = now()
        session.add(fresh)
        invites.append(invite)
    session.flush()
    return invites


def to_csv(invites: Sequence[Invite], base_url: str) -> str:
    """The links as a CSV file: ``participant_id``, ``link``; cells cannot run as formulas."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["participant_id", "link"])
    writer.writerows([safe_cell(one.participant_id), f"{base_url}/join/{one.token}"] for one in invites)
    return out.getvalue()
