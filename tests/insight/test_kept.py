"""What takes long to compute is kept for a while; what changes who counts shows at once."""

import time

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from db.engine import read_session, write_session
from db.tables import Participant, Study, now
from recux.errors import InvalidInput
from recux.insight import apart, behind, cuts, kept, views
from recux.insight.cuts import Cut
from tests.planting import plant_person, plant_rating, plant_study

COMPUTED: list[int] = []
"""One entry for each computation of the test that runs."""


@pytest.fixture
def study(sqlite_engine: sa.Engine) -> Study:
    COMPUTED.clear()
    with write_session(sqlite_engine) as session:
        study = plant_study(session, items=2)
        study.min_group = 1
        plant_rating(session, plant_person(session, study, "p1"), 1, 4)
        return study


def slow(_session: Session, _study: Study) -> int:
    """A figure that takes long."""
    COMPUTED.append(1)
    time.sleep(kept.QUICK * 1.1)
    return len(COMPUTED)


def quick(_session: Session, _study: Study) -> int:
    COMPUTED.append(1)
    return len(COMPUTED)


def value(engine: sa.Engine, study: Study, make=slow) -> int:
    with read_session(engine) as session:
        return kept.kept(session, session.get_one(Study, study.id), make).value


def someone_rates(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        plant_rating(session, session.get_one(Participant, 1), 2, 5)


def test_what_took_long_is_shown_again(sqlite_engine: sa.Engine, study: Study) -> None:
    assert [value(sqlite_engine, study) for _ in range(3)] == [1, 1, 1]


def test_a_new_rating_may_wait_as_long_as_computing_is_dear(sqlite_engine: sa.Engine, study: Study) -> None:
    value(sqlite_engine, study)
    someone_rates(sqlite_engine)
    assert value(sqlite_engine, study) == 1


def test_after_that_it_is_computed_anew_while_the_old_value_is_shown(
    sqlite_engine: sa.Engine, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    value(sqlite_engine, study)
    someone_rates(sqlite_engine)
    monkeypatch.setattr(kept, "SHARE", 1e9)
    assert value(sqlite_engine, study) == 1
    until = time.monotonic() + 20
    while value(sqlite_engine, study) == 1 and time.monotonic() < until:
        time.sleep(0.05)
    assert value(sqlite_engine, study) == 2


def test_nobody_is_shown_what_is_very_old(
    sqlite_engine: sa.Engine, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    value(sqlite_engine, study)
    someone_rates(sqlite_engine)
    monkeypatch.setattr(kept, "OLDEST", 0.0)
    time.sleep(kept.QUICK * 1.2)
    assert value(sqlite_engine, study) == 2


def test_whoever_withdraws_is_gone_at_once(sqlite_engine: sa.Engine, study: Study) -> None:
    value(sqlite_engine, study)
    with write_session(sqlite_engine) as session:
        session.get_one(Participant, 1).withdrawn_at = now()
    assert value(sqlite_engine, study) == 2


def test_what_takes_no_time_is_never_old(sqlite_engine: sa.Engine, study: Study) -> None:
    assert [value(sqlite_engine, study, quick) for _ in range(3)] == [1, 2, 3]


def test_a_large_study_is_read_by_another_process_which_starts_again_when_it_dies(
    sqlite_engine: sa.Engine, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "LARGE", 0)
    whole = Cut()
    with read_session(sqlite_engine) as session:
        here = behind.rows_behind(cuts.read(session, study, whole), "mean_rating", 1)
    try:
        with read_session(sqlite_engine) as session:
            study = session.get_one(Study, study.id)
            assert kept.kept(session, study, views.figures, whole, "arm").value["metric"].tolist()
            child = apart._Parent.child
            assert child is not None
            assert child.poll() is None
            child.kill()
            child.wait()
            found = apart.read(session, study, views.rows_behind, whole, "mean_rating")
            assert found.n == len(here)
            with pytest.raises(InvalidInput, match="sideways"):
                apart.read(session, study, refused)
    finally:
        apart._end()


def refused(_session: Session, _study: Study) -> int:
    raise InvalidInput("cannot look sideways")
