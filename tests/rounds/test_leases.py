"""Who is alive, whose turn it is, and whose round it is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import engine_for, read_session, write_session
from db.tables import Batch, Figure, Rating, Round, Study, Tick, WorkerLease, now
from recux.errors import Conflict
from recux.rounds import close_batch, upkeep
from recux.rounds.leases import database_now, live_workers, take_lease, take_turn
from recux.rounds.queue import GPU_QUEUE, QUEUE, client, close_and_enqueue, close_if_due, queue_of, restart_orphans
from recux.rounds.stages import STAGES
from recux.rounds.work import Overtaken, Work, held, publishing
from recux.settings import Settings
from tests.planting import plant_person, plant_rating, plant_study


@pytest.fixture
def round_id(settings):
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session, batch_size=2)
        for item in (1, 2, 3):
            plant_rating(session, plant_person(session, study, f"p{item}"), item, 4)
        return close_batch(session, study).id


@pytest.fixture
def postgres_round(postgres_url, tmp_path):
    settings = Settings(home=tmp_path / "home", database_url=postgres_url, lease_seconds=2.0, _env_file=None)
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session)
        plant_rating(session, plant_person(session, study, "ann"), 1, 4)
        return settings, close_batch(session, study).id


def test_of_many_that_ask_at_once_one_has_the_turn(engine):
    def ask(_number):
        with write_session(engine) as session:
            return take_turn(session, "close", every=60)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(16))) == 1
    with write_session(engine) as session:
        session.connection().execute(sa.update(Tick).values(at=now() - timedelta(seconds=61)))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(16))) == 1


def test_what_a_process_wrote_after_it_was_overtaken_is_not_kept(postgres_round):
    settings, round_id = postgres_round
    slow, quick = Work(settings, round_id), Work(settings, round_id)
    with held(slow):
        pass  # its lock is gone, as when its machine was

    def publish_late():
        with publishing(slow) as session:
            session.add(Figure(round_id=round_id, section="satisfaction", metric="nps", value=1.0))
            session.flush()
            with held(quick):
                pass

    with pytest.raises(Overtaken):
        publish_late()
    with read_session(engine_for(settings.url)) as session:
        assert session.exec(select(Figure)).all() == []


def test_a_round_of_a_live_process_cannot_be_had_and_that_of_a_dead_one_can(postgres_round):
    settings, round_id = postgres_round
    lease = take_lease(settings, "first", queues=[QUEUE], version="x")
    first, second = Work(settings, round_id, executor_id="first"), Work(settings, round_id)
    with held(first), publishing(first) as session:
        session.get_one(Round, round_id).status = "running"
    with pytest.raises(Conflict, match="by another process"), held(second):
        pass
    lease.close()
    with held(second), publishing(second):
        pass


def test_a_lease_is_prolonged_while_its_process_lives_and_counts_as_a_worker(postgres_round):
    settings, _round = postgres_round
    lease = take_lease(settings, "me", queues=[QUEUE], version="x")
    hand = take_lease(settings, "by-hand", queues=[], version="x")
    first = lease.deadline
    lease.released.wait(1.0)
    with read_session(engine_for(settings.url)) as session:
        (row,) = live_workers(session)
        assert row.executor_id == "me"
        assert row.expires_at > database_now(session) + timedelta(seconds=1)
    assert lease.deadline > first
    lease.close()
    hand.close()
    with read_session(engine_for(settings.url)) as session:
        assert session.exec(select(WorkerLease)).all() == []


def test_a_full_batch_is_closed_once_and_not_again_while_its_round_is_at_work(settings):
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session, batch_size=2)
        for item in (1, 2, 3):
            plant_rating(session, plant_person(session, study, f"p{item}"), item, 4)
    client(settings.url)
    with ThreadPoolExecutor(4) as pool:
        closed = [found for found in pool.map(lambda _n: close_if_due(settings, study.id), range(4)) if found]
    assert [found.number for found in closed] == [1]
    with write_session(engine_for(settings.url)) as session:
        session.connection().execute(sa.update(Rating).values(received_at=now()))
        for number in range(2):
            plant_rating(session, plant_person(session, study, f"late{number}"), 1, 5)
    assert close_if_due(settings, study.id) is None
    with read_session(engine_for(settings.url)) as session:
        assert [batch.closed_by for batch in session.exec(select(Batch))] == ["size"]


@pytest.mark.parametrize(
    ("device", "queue"), [(None, QUEUE), ("cpu", QUEUE), ("mps", QUEUE), ("cuda", GPU_QUEUE), ("cuda:1", GPU_QUEUE)]
)
def test_a_round_that_asks_for_cuda_waits_for_a_worker_with_a_gpu(device, queue):
    assert queue_of({"device": device}) == queue


def test_a_round_of_a_version_that_nobody_runs_starts_over_under_ours(settings, monkeypatch):
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session)
        plant_rating(session, plant_person(session, study, "ann"), 1, 4)
    monkeypatch.setattr("recux.rounds.queue.VERSION", "old")
    round_ = close_and_enqueue(settings, study.id, actor="test")
    monkeypatch.undo()
    lease = take_lease(settings, "old-worker", queues=[QUEUE], version="old")
    assert restart_orphans(settings) == []  # somebody still runs it
    lease.close()
    assert restart_orphans(settings) == [round_.id]
    waiting = client(settings.url).list_workflows(status="ENQUEUED")
    assert [workflow.workflow_id for workflow in waiting] == [f"round:{round_.id}:2"]
    assert restart_orphans(settings) == []


def test_the_version_is_raised_when_the_stages_change():
    shape = {"2": ["prepare", "train", "record", "evaluate", "suggest", "rerank"]}
    from recux.rounds.queue import VERSION

    assert shape[VERSION] == [name for name, _stage in STAGES]


def test_study_is_not_closed_by_itself_once_it_is_over(settings, round_id):
    with write_session(engine_for(settings.url)) as session:
        session.exec(select(Study)).one().status = "closed"
    assert close_if_due(settings, 1) is None


def test_a_study_whose_batch_cannot_be_closed_holds_up_no_other(sqlite_settings, monkeypatch, caplog):
    with write_session(engine_for(sqlite_settings.url)) as session:
        broken, other = (plant_study(session, slug, batch_size=1) for slug in ("broken", "other"))
        for study in (broken, other):
            plant_rating(session, plant_person(session, study, f"ann of {study.slug}"), 1, 4)

    def close(settings, study_id):
        if study_id == broken.id:
            raise OverflowError("date value out of range")
        return close_if_due(settings, study_id)

    monkeypatch.setattr(upkeep, "close_if_due", close)
    upkeep.close_due(sqlite_settings)
    with read_session(engine_for(sqlite_settings.url)) as session:
        assert session.exec(select(Batch.study_id)).all() == [other.id]
    assert "study broken could not be closed" in caplog.text
