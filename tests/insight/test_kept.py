"""What takes long to compute is kept for a while; what changes who counts shows at once."""

import time

import pytest
import sqlalchemy as sa

from db.engine import read_session, write_session
from db.tables import Participant, Study, now
from recux.insight import kept
from tests.planting import plant_person, plant_rating, plant_study


@pytest.fixture
def study(sqlite_engine: sa.Engine) -> Study:
    with write_session(sqlite_engine) as session:
        study = plant_study(session, items=2)
        plant_rating(session, plant_person(session, study, "p1"), 1, 4)
        return study


class Slow:
    """A figure that takes long, and how often it was computed."""

    times = 0

    def __call__(self) -> int:
        self.times += 1
        time.sleep(kept.QUICK * 1.1)
        return self.times


def value(engine: sa.Engine, study: Study, make) -> int:
    with read_session(engine) as session:
        return kept.kept(session, session.get_one(Study, study.id), "n", make).value


def test_what_took_long_is_shown_again_while_answers_come_in(sqlite_engine: sa.Engine, study: Study) -> None:
    slow = Slow()
    assert [value(sqlite_engine, study, slow) for _ in range(3)] == [1, 1, 1]
    with write_session(sqlite_engine) as session:
        plant_rating(session, plant_person(session, study, "p2"), 2, 5)
    assert value(sqlite_engine, study, slow) == 2, "a new person shows at once"


def test_a_new_rating_may_wait_as_long_as_computing_is_dear(
    sqlite_engine: sa.Engine, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    value(sqlite_engine, study, slow)
    with write_session(sqlite_engine) as session:
        plant_rating(session, session.get_one(Participant, 1), 2, 5)
    assert value(sqlite_engine, study, slow) == 1
    monkeypatch.setattr(kept, "OLDEST", 0.0)
    assert value(sqlite_engine, study, slow) == 2


def test_whoever_withdraws_is_gone_at_once(sqlite_engine: sa.Engine, study: Study) -> None:
    slow = Slow()
    value(sqlite_engine, study, slow)
    with write_session(sqlite_engine) as session:
        session.get_one(Participant, 1).withdrawn_at = now()
    assert value(sqlite_engine, study, slow) == 2


def test_what_takes_no_time_is_never_old(sqlite_engine: sa.Engine, study: Study) -> None:
    numbers = iter(range(10))
    assert [value(sqlite_engine, study, lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]
