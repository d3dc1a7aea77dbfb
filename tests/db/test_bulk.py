"""Many rows at once are stored as SQLAlchemy stores them one by one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from db.bulk import FEW, insert_new_rows, insert_rows
from db.engine import insert_many, write_session
from db.tables import Interaction, Item, Participant, Study
from tests.planting import START, plant_person, plant_study

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@pytest.fixture
def study(engine):
    with write_session(engine) as session:
        return plant_study(session, items=1).id


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, st.none() | TEXTS, st.lists(TEXTS, max_size=3), st.none() | st.floats(-1e9, 1e9))))
def test_any_text_list_and_number_comes_back(engine, study, drawn):
    names = ("study_id", "external_id", "title", "category", "tags", "price", "attributes")
    rows = [
        (study, f"n{n}", title, more, tags, price, {"k": title}) for n, (title, more, tags, price) in enumerate(drawn)
    ]
    with write_session(engine) as session:
        if rows:
            insert_rows(session.connection(), Item, names, rows)
        kept = session.exec(select(Item).where(Item.external_id.startswith("n")).order_by(Item.id)).all()
        found = [(i.study_id, i.external_id, i.title, i.category, i.tags, i.price, i.attributes) for i in kept]
        session.rollback()
    assert found == rows


def test_times_flags_and_lists_are_the_same_by_either_way(engine, study):
    at = datetime(2026, 5, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    people = [
        {
            **Participant(study_id=study, external_id=f"p{n}", created_at=at, test=True).model_dump(exclude={"id"}),
            "withdrawn_at": START,
        }
        for n in range(FEW + 1)
    ]
    with write_session(engine) as session:
        insert_many(session, Participant, people[:1])
        insert_many(session, Participant, people[1:])
    with engine.connect() as connection:
        stored = connection.execute(sa.text("SELECT * FROM participant ORDER BY id")).all()
        assert len({tuple(map(str, row[3:])) for row in stored}) == 1
    with write_session(engine) as session:
        last = session.exec(select(Participant).order_by(Participant.id.desc())).first()
    assert (last.created_at, last.withdrawn_at, last.test) == (at.astimezone(UTC), START, True)


def test_only_new_rows_are_written_and_counted(engine, study):
    names = ("study_id", "row_key", "participant_id", "item_id", "kind", "occurred_at")
    with write_session(engine) as session:
        person = plant_person(session, session.get_one(Study, study), "ann")
        item = session.exec(select(Item.id)).one()
        rows = [(study, f"{n:032x}", person.id, item, "view", START) for n in range(150)]
        connection = session.connection()
        assert insert_new_rows(connection, Interaction, names, rows[:100]) == 100
        assert insert_new_rows(connection, Interaction, names, rows) == 50
        assert insert_new_rows(connection, Interaction, names, []) == 0


def test_a_broken_rule_is_sqlalchemys_error_and_a_time_without_zone_is_refused(engine, study):
    names = ("study_id", "row_key", "participant_id", "item_id", "kind", "occurred_at")
    for row, error in (
        ((study, "0" * 32, 999, 999, "view", START), sa.exc.IntegrityError),
        ((study, "0" * 32, 1, 1, "view", START.replace(tzinfo=None)), ValueError),
    ):
        with pytest.raises(error), write_session(engine) as session:
            insert_new_rows(session.connection(), Interaction, names, [row])
