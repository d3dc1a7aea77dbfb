"""The rounds page: progress, models, closing a batch."""

from datetime import timedelta

import pytest
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import ModelExample, ModelVersion, Rating, Round, Study, WorkerLease, now
from tests.pages.planted import audited, charts_on, press, texts


def test_the_rounds_page_shows_models_beside_baselines(open_as, finished) -> None:
    at = open_as("viewer", "rounds")
    assert "Round 1: done" in texts(at)
    assert "Fine-tuned encoder" in texts(at)
    assert charts_on(at) == 1
    assert not at.main.button, "a viewer closes no batch"


def test_a_running_round_shows_its_progress(open_as, sqlite_engine, finished) -> None:
    with write_session(sqlite_engine) as session:
        round_ = session.exec(select(Round)).one()
        round_.status, round_.stage = "running", "train"
        round_.progress = {"step": 10, "of": 40, "loss": 1.25, "seconds_left": 90.0}
    shown = texts(open_as("viewer", "rounds"))
    assert "Round 1: running" in shown
    assert "Loss 1.250" in shown


def worker_that_lives(session, *, queues=("rounds",), seconds=60.0):
    """A worker's lease, valid for so many seconds from now on."""
    until = now() + timedelta(seconds=seconds)
    session.add(WorkerLease(executor_id="w", host="h", pid=1, queues=list(queues), version="2", expires_at=until))


@pytest.mark.parametrize("page", ["rounds", "overview"])
@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_round_that_stands_for_want_of_a_worker_says_how_to_start_one(
    open_as, sqlite_engine, finished, page, status
) -> None:
    assert "recux worker" not in texts(open_as("viewer", page)), "nothing waits"
    with write_session(sqlite_engine) as session:
        session.exec(select(Round)).one().status = status
        worker_that_lives(session, seconds=-1)
    assert "recux worker\nrecux serve" in texts(open_as("viewer", page))
    with write_session(sqlite_engine) as session:
        session.get_one(WorkerLease, "w").expires_at = now() + timedelta(seconds=60)
    assert "recux worker" not in texts(open_as("viewer", page))


def test_a_round_that_asks_for_a_gpu_is_not_taken_by_a_worker_without_one(open_as, sqlite_engine, finished) -> None:
    with write_session(sqlite_engine) as session:
        round_ = session.exec(select(Round)).one()
        round_.status, round_.config = "queued", {"device": "cuda"}
        worker_that_lives(session)
    assert "recux worker" in texts(open_as("viewer", "rounds"))


def test_beside_closing_a_batch_it_is_said_that_no_worker_would_take_it(open_as, sqlite_engine, pilot) -> None:
    assert "recux worker" in texts(open_as("analyst", "rounds"))
    assert "recux worker" not in texts(open_as("viewer", "overview")), "the batch is not full yet"
    with write_session(sqlite_engine) as session:
        session.get_one(Study, pilot.id).batch_size = 10
    assert "recux worker" in texts(open_as("viewer", "overview"))


def test_an_analyst_closes_the_batch_and_its_round_is_queued(open_as, sqlite_engine, pilot) -> None:
    at = press(open_as("analyst", "rounds"), "Close the batch")
    assert "Batch 1 is closed" in texts(at)
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Round.status)).one() == "queued"
    assert "batch.close" in audited(sqlite_engine)
    press(at, "Cancel this round")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Round.status)).one() == "cancelled"
    assert "round.cancel" in audited(sqlite_engine)


def test_a_closer_look_says_where_a_model_errs_and_on_which_words(open_as, sqlite_engine, finished) -> None:
    figure = {"value": 0.4, "ci_low": 0.1, "ci_high": 0.7, "n": 20, "definition": "d", "method": "m"}
    closer = {
        "head": "satisfaction",
        "n": 20,
        "reliability": [{"low": 0.5, "high": 0.6, "predicted": 0.55, "observed": 0.5, "n": 20}],
        "confusion": [[4, 0, 0, 0, 0]] * 5,
        "cohorts": {"new": figure, "old": figure},
        "cohort_gap": figure,
        "changes": {"typo": figure},
    }
    with write_session(sqlite_engine) as session:
        model = session.exec(select(ModelVersion).where(ModelVersion.name == "encoder")).one()
        served = {"incumbent_then": {"qwk": figure}, "incumbent_ahead": {"qwk": figure | {"value": 0.35}}}
        model.metrics = {**model.metrics, "closer": closer, "by_round": {"1": figure, "2": figure}} | served
        rating = session.exec(select(Rating).where(Rating.comment.contains("slow"))).first()
        told = {"words": ["too", "slow"], "weights": [0.1, -0.9]}
        session.add(ModelExample(model_version_id=model.id, rating_id=rating.id, label=5, expected=2.0, **told))
    at = open_as("viewer", "rounds")
    shown = texts(at)
    assert "Largest gap in error between two cohorts: 0.40 (0.10 to 0.70)" in shown
    assert "Typing errors flip 40% of its predictions" in shown
    assert "Given: 5 · predicted: 2.0" in shown
    kept = at.table[0].value.loc["Agreement, QWK (higher is better)"]
    assert list(kept) == ["0.40 (0.10 to 0.70), n = 20", "0.35 (0.10 to 0.70), n = 20"]
    assert charts_on(at) == 6
