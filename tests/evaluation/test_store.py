"""What a round keeps: all up to its batch, and its batch alone."""

from datetime import timedelta

import pytest
from sqlmodel import select

from db.engine import write_session
from db.tables import Batch, Figure, now
from recux.evaluation import evaluate_round
from recux.rounds.batches import close_batch
from tests.evaluation.world import plant_request, plant_slate
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study


@pytest.fixture
def session(engine):
    with write_session(engine) as session:
        yield session


@pytest.fixture
def study(session):
    return plant_study(session)


def figures(session, round_, metric, cut="", arm=""):
    place = (Figure.round_id == round_.id, Figure.metric == metric, Figure.cut == cut, Figure.arm == arm)
    row = session.exec(select(Figure).where(*place, Figure.section != "experiment")).one()
    return row.value, row.n


def answered_round(session, study, name, score, stars, day):
    person = plant_person(session, study, name, arm_id=1)
    plant_answers(session, person, "nps", day=day, score=float(score))
    plant_rating(session, person, 1, stars, day=day)
    return close_batch(session, study)


def test_figures_are_of_all_batches_so_far_and_of_the_batch_alone(session, study):
    answered_round(session, study, "ann", 10, 5, 0)
    answered_round(session, study, "bob", 10, 3, 1)
    round_ = answered_round(session, study, "cyd", 0, 1, 2)
    evaluate_round(session, round_)
    assert figures(session, round_, "mean_rating") == (3, 3)
    assert figures(session, round_, "mean_rating", cut="batch") == (1, 1)
    assert figures(session, round_, "nps") == (pytest.approx(100 / 3), 3)
    assert figures(session, round_, "mean_rating", arm="a") == (3, 3)
    assert figures(session, round_, "mean_rating", arm="b") == (None, 0)


def test_what_came_after_the_batch_is_not_in_it(session, study):
    round_ = answered_round(session, study, "ann", 10, 5, 0)
    answered_round(session, study, "bob", 10, 1, 1)
    evaluate_round(session, round_)
    assert figures(session, round_, "mean_rating") == (5, 1)


def test_a_corrected_rating_counts_once_as_it_stood_in_the_batch(session, study):
    ann = plant_person(session, study, "ann")
    first = plant_rating(session, ann, 1, 1, row_key="r")
    one = close_batch(session, study)
    first.current = False
    session.add(first)
    session.flush()
    plant_rating(session, ann, 1, 5, row_key="r", day=1)
    two = close_batch(session, study)
    for round_ in (one, two):
        evaluate_round(session, round_)
    assert figures(session, one, "mean_rating") == (1, 1)
    assert figures(session, two, "mean_rating") == (5, 1)


def test_evaluating_again_replaces_and_forgets_who_withdrew(session, study):
    round_ = answered_round(session, study, "ann", 10, 5, 0)
    bob = plant_person(session, study, "bob")
    plant_rating(session, bob, 2, 1, day=1)
    round_ = close_batch(session, study)
    evaluate_round(session, round_)
    kept = select(Figure).where(Figure.section != "before_after")
    before = len(session.exec(kept).all())
    assert figures(session, round_, "mean_rating") == (3, 2)
    bob.withdrawn_at = now()
    session.add(bob)
    session.flush()
    evaluate_round(session, round_)
    assert figures(session, round_, "mean_rating") == (5, 1)
    assert len(session.exec(kept).all()) == before


def test_every_stored_figure_has_a_definition_and_a_value_or_a_reason(session, study):
    for n in range(80):
        plant_request(session, study, n, 100.0 + n, arm_id=1)
    ann = plant_person(session, study, "ann", arm_id=1)
    slate = plant_slate(session, ann, [1, 2, 3])
    plant_rating(session, ann, 1, 5, slate_id=slate.id)
    round_ = close_batch(session, study)
    evaluate_round(session, round_)
    rows = session.exec(select(Figure)).all()
    assert {row.section for row in rows} == {
        "satisfaction", "recommendation", "stability", "experiment", "data_quality"
    }  # fmt: skip
    assert all(row.definition and (row.method if row.value is not None else row.reason) for row in rows)
    assert figures(session, round_, "p95_ms", arm="a")[1] == 80


def test_calls_belong_to_the_batch_that_was_closed_next(session, study):
    ann = plant_person(session, study, "ann", arm_id=1)
    rounds = []
    for day in range(2):
        for n in range(10 * (day + 1)):
            plant_request(session, study, f"{day}-{n}", 100.0 + n, day=day, arm_id=1)
        plant_rating(session, ann, 1 + day, 4, day=day)
        rounds.append(close_batch(session, study))
        batch = session.get_one(Batch, rounds[-1].batch_id)
        batch.closed_at = START + timedelta(days=day, hours=1)
        session.add(batch)
        session.flush()
    plant_request(session, study, "later", 1.0, day=5)
    for round_ in rounds:
        evaluate_round(session, round_)
    assert [figures(session, one, "failure_rate")[1] for one in rounds] == [10, 30]
    assert [figures(session, one, "failure_rate", cut="batch")[1] for one in rounds] == [10, 20]
