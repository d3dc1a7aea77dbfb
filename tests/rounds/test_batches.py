"""A batch takes what is new, once, and can be verified for ever."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import write_session
from db.tables import Answer, Batch, BatchRow, Rating, now
from recux.rounds import close_batch, due, verify_batch
from tests.planting import plant_answers, plant_person, plant_rating, plant_study


@pytest.fixture
def study(engine):
    with write_session(engine) as session:
        study = plant_study(session, batch_size=3)
        for name in ("ann", "bob"):
            person = plant_person(session, study, name)
            plant_rating(session, person, 1, 4, comment="good")
            plant_answers(session, person, "nps", score=9, why="because")
    return study


def close(engine, study):
    with write_session(engine) as session:
        return close_batch(session, study)


def test_a_batch_takes_every_new_row_and_the_next_one_only_what_came_later(engine, study):
    first = close(engine, study)
    assert close(engine, study) is None
    with write_session(engine) as session:
        plant_rating(session, plant_person(session, study, "cyd"), 2, 1)
    second = close(engine, study)
    with write_session(engine) as session:
        batches = session.exec(select(Batch).order_by(Batch.number)).all()
        assert [(b.number, b.ratings, b.answers) for b in batches] == [(1, 2, 4), (2, 1, 0)]
        assert (first.number, second.number) == (1, 2)


def test_test_people_and_withdrawn_people_never_enter_a_batch(engine, study):
    with write_session(engine) as session:
        for flags in ({"test": True}, {"withdrawn_at": now()}):
            plant_rating(session, plant_person(session, study, str(flags.keys()), **flags), 1, 5)
    close(engine, study)
    with write_session(engine) as session:
        assert session.exec(select(Batch)).one().ratings == 2


def test_a_changed_row_is_found_by_verification(engine, study):
    close(engine, study)
    with write_session(engine) as session:
        batch = session.exec(select(Batch)).one()
        assert verify_batch(session, batch) == []
        rating = session.exec(select(Rating)).first()
        rating.rating = 1
        session.add(rating)
        session.flush()
        assert verify_batch(session, batch) == [f"batch 1: rating {rating.id} was changed after it was closed"]


def test_an_erased_row_leaves_the_batch_verifiable_but_a_lost_hash_does_not(engine, study):
    close(engine, study)
    with write_session(engine) as session:
        batch = session.exec(select(Batch)).one()
        session.delete(session.exec(select(Rating)).first())
        session.flush()
        assert verify_batch(session, batch) == []
        session.delete(session.exec(select(BatchRow)).first())
        session.flush()
        assert verify_batch(session, batch) == ["batch 1: its row hashes were changed"]


def test_a_batch_is_due_when_it_is_full_or_old(engine, study):
    with write_session(engine) as session:
        for table in (Rating, Answer):
            session.connection().execute(sa.update(table).values(received_at=now()))
        assert due(session, study) is None
        plant_rating(session, plant_person(session, study, "cyd"), 2, 1)
        assert due(session, study) == "size"
        study.batch_size = 100
        assert due(session, study) == "age"  # planted months ago
        study.batch_max_age_hours = 1e300  # before there was a limit
        assert due(session, study) is None
        study.batch_max_age_hours = 24.0 * 365 * 50
        assert due(session, study) is None


def test_where_nobody_rates_items_as_many_questionnaires_fill_a_batch_and_age_makes_it_due(engine):
    with write_session(engine) as session:
        study = plant_study(session, "survey", batch_size=3, batch_max_age_hours=1.0)
        assert due(session, study) is None
        for name in ("ann", "bob"):
            plant_answers(session, plant_person(session, study, name), "nps", score=9, why="because")
        session.connection().execute(sa.update(Answer).values(received_at=now()))
        assert due(session, study) is None  # two questionnaires with four answers
        session.connection().execute(sa.update(Answer).values(received_at=now() - timedelta(hours=2)))
        assert due(session, study) == "age"
        plant_answers(session, plant_person(session, study, "cyd"), "nps", score=3)
        assert due(session, study) == "size"
