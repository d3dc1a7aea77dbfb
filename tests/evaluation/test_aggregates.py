"""What rounds keep says the same as all rows read again, whatever happened in between."""

from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import write_session
from db.tables import Batch, Participant, PersonAggregate, Rating, StudyAggregate, now
from recux.evaluation import evaluate_round
from recux.evaluation.aggregates import advance, cumulative, touched
from recux.evaluation.aggregates.earlier import changes_from
from recux.evaluation.before_after import changes
from recux.evaluation.scope import alone, up_to
from recux.evaluation.snapshot import snapshot
from recux.evaluation.store import CUMULATIVE, _rows_of, _rows_up_to
from recux.instruments import load
from recux.rounds.batches import close_batch
from tests.evaluation.world import plant_interaction, plant_request, plant_slate
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study

THEN = {"novelty", "serendipity"}
LONG = "I would have liked to see something else than what I have seen here on every single day of the last few weeks"


@pytest.fixture
def session(engine, monkeypatch):
    monkeypatch.setattr(touched, "SLACK", 0)  # else everybody in a study this small is read again
    with write_session(engine) as session:
        yield session


def take_part(session, study, person, rng, day):
    """A list, ratings, clicks, calls and questionnaires of one person on one day."""
    items = (rng.permutation(12)[: rng.integers(5, 9)] + 1).tolist()
    slate = plant_slate(session, person, items, day=day, arm_id=person.arm_id)
    for item in items[: rng.integers(2, len(items) + 1)]:
        comment = LONG if rng.random() < 0.05 else "fine"
        plant_rating(session, person, item, int(rng.integers(1, 6)), day=day, slate_id=slate.id, comment=comment)
        if rng.random() < 0.3:
            plant_interaction(session, person, item, "click", slate=slate, day=day)
        if rng.random() < 0.1:
            plant_interaction(session, person, item, "dismiss", slate=slate, day=day)
    for call in range(4):
        key = f"{person.id}-{day}-{call}"
        named = {"slate_id": slate.id} if call else {}
        outcome = "error" if rng.random() < 0.2 else "ok"
        plant_request(session, study, key, rng.lognormal(5, 1), outcome, day=day, arm_id=person.arm_id, **named)


def answer(session, person, rng):
    plant_answers(session, person, "nps", score=int(rng.integers(0, 11)))
    plant_answers(session, person, "csat", score=int(rng.integers(1, 6)))
    for name in ("sus", "trust"):
        asked = [q for q in load(name).questions if q.low is not None and rng.random() < 0.97]
        plant_answers(session, person, name, **{q.name: int(rng.integers(q.low, q.high + 1)) for q in asked})


def numbers(rows):
    return {
        (row["section"], row["arm"], row["metric"]): tuple(
            np.nan if row[name] is None else row[name] for name in ("value", "ci_low", "ci_high", "n")
        )
        for row in rows
        if row["metric"] not in THEN
    }


def notes(rows):
    """What the mix of cohorts does to the differences, by metric and arm."""
    found = {(row["metric"], row["arm"]): row["details"] for row in rows if row["details"]}
    return {place: (pytest.approx(one["mix_p_adjusted"]), one["against"]) for place, one in found.items()}


def agree(monkeypatch, session, study, round_, *, step):
    """Compare what the kept sums say with all rows; ``step`` says whether the sums were moved on, not made anew."""
    batch = session.get_one(Batch, round_.batch_id)
    again = []
    with monkeypatch.context() as patched:
        patched.setattr(advance, "anew", lambda one, real=advance.anew: again.append(one) or real(one))
        kept = _rows_up_to(cumulative(session, study, batch))
    assert (again == []) is step
    from_sums, from_rows = numbers(kept), numbers(_rows_of(session, study, up_to(batch), CUMULATIVE))
    assert from_sums.keys() == from_rows.keys()
    assert notes(kept) == notes(_rows_of(session, study, up_to(batch), CUMULATIVE))
    for place, wanted in from_rows.items():
        assert from_sums[place] == pytest.approx(wanted, rel=1e-7, abs=1e-7, nan_ok=True), place
    return len(from_rows)


def test_sums_that_are_moved_on_say_what_all_rows_say(session, monkeypatch):
    study, rng = plant_study(session, items=12), np.random.default_rng(5)
    people = []

    def day(number, returning=()):
        for n in range(8):
            cohort = ("keen", "cool", None)[(n % 2 if rng.random() < 0.9 else n % 3)]  # differs between the arms
            there = {"arm_id": 1 + n % 2, "cohort": cohort, "created_at": START + timedelta(days=number)}
            people.append(plant_person(session, study, f"{number}-{n}", **there))
            answer(session, people[-1], rng)
        for person in (*people[-8:], *returning):
            take_part(session, study, person, rng, number)
        round_ = close_batch(session, study)
        session.get_one(Batch, round_.batch_id).closed_at = START + timedelta(days=number + 0.9)
        session.flush()
        return round_

    assert agree(monkeypatch, session, study, day(0), step=False) > 100
    agree(monkeypatch, session, study, day(1, people[:3]), step=True)

    people[1].withdrawn_at = now()  # with ratings, answers, clicks and calls in the sums
    corrected = session.exec(select(Rating).where(Rating.participant_id == people[4].id)).first()
    corrected.current = False
    session.add_all([people[1], corrected])
    session.flush()
    same = {"row_key": corrected.row_key, "slate_id": corrected.slate_id, "day": 2}
    plant_rating(session, people[4], corrected.item_id, 6 - corrected.rating, **same)
    last = day(2)
    agree(monkeypatch, session, study, last, step=True)
    agree(monkeypatch, session, study, last, step=True)  # run again

    people[2].arm_id = 2  # imported with another arm
    session.add(people[2])
    late = session.exec(select(Rating).where(Rating.participant_id == people[6].id)).first()
    plant_interaction(session, people[6], late.item_id, "purchase", day=0.5)  # of the first day, imported now
    agree(monkeypatch, session, study, day(3), step=True)

    session.execute(sa.delete(Participant).where(Participant.id == people[5].id))  # erased
    session.expire_all()
    agree(monkeypatch, session, study, day(4), step=False)
    last = day(5, people[10:14])
    agree(monkeypatch, session, study, last, step=True)
    assert notes(_rows_up_to(cumulative(session, study, session.get_one(Batch, last.batch_id))))  # the mix did differ


def test_withdrawal_takes_a_persons_part_out_of_what_is_kept(session):
    study, rng = plant_study(session, items=12), np.random.default_rng(1)
    ann, bob = (plant_person(session, study, name, arm_id=1) for name in ("ann", "bob"))
    for person in (ann, bob):
        take_part(session, study, person, rng, 0)
    evaluate_round(session, close_batch(session, study))
    ann.withdrawn_at = now()
    session.add(ann)
    take_part(session, study, bob, rng, 1)
    evaluate_round(session, close_batch(session, study))
    assert set(session.exec(select(PersonAggregate.participant_id)).all()) == {bob.id}
    assert session.exec(select(StudyAggregate)).one().people == 1


def test_an_older_round_leaves_the_sums_alone(session):
    study, rng = plant_study(session, items=12), np.random.default_rng(2)
    rounds = []
    for number in range(2):
        take_part(session, study, plant_person(session, study, f"p{number}", arm_id=1), rng, number)
        rounds.append(close_batch(session, study))
    evaluate_round(session, rounds[1])
    evaluate_round(session, rounds[0])
    assert session.exec(select(StudyAggregate)).one().batch == 2


def of(found):
    """Changes as numbers, by arm and metric."""
    return {
        (one.arm, one.metric): (
            *(getattr(one.difference, name) or 0 for name in ("value", "ci_low", "ci_high", "n")),
            *(one.p, one.p_adjusted, one.n_before, one.n_after),
        )
        for one in found
    }


@pytest.mark.parametrize("returning", [0, 3, 20])
def test_the_second_batch_against_the_first_is_the_same_from_kept_sums_as_from_all_rows(session, returning):
    study, rng = plant_study(session, items=12), np.random.default_rng(returning)
    people = [
        plant_person(session, study, f"p{n}", arm_id=1 + n % 2, cohort="ab"[n < 9], created_at=START) for n in range(30)
    ]
    for person in people:
        answer(session, person, rng)
        take_part(session, study, person, rng, 0)
    first = session.get_one(Batch, close_batch(session, study).batch_id)
    first.closed_at = START + timedelta(days=1)
    cumulative(session, study, first)
    later = {"created_at": START + timedelta(days=2)}
    fresh = [
        plant_person(session, study, f"q{n}", arm_id=1 + n % 2, cohort="ab"[n % 8 != 0], **later) for n in range(24)
    ]
    for person in (*fresh, *people[:returning]):
        if person in fresh:
            answer(session, person, rng)
        take_part(session, study, person, rng, 2)
    people[25].withdrawn_at, people[26].arm_id = now(), 1 + people[26].arm_id % 2
    session.add_all(people)
    second = session.get_one(Batch, close_batch(session, study).batch_id)
    second.closed_at = START + timedelta(days=3)
    session.flush()
    earlier = cumulative(session, study, second).earlier
    before, after = (snapshot(session, study, alone(session, one)) for one in (first, second))
    from_rows = changes(before, after, number=2)
    from_sums = changes_from(session, study, first, earlier, after)
    assert len(from_rows) == 15
    new = {one.id for one in (*fresh, *people[:returning], people[25], people[26])}
    assert new <= set(earlier.people) < {one.id for one in (*people, *fresh)}  # and who wrote the same long comment
    for place, wanted in of(from_rows).items():
        assert of(from_sums)[place] == pytest.approx(wanted, rel=1e-7, abs=1e-7), place
    assert [one.paired for one in from_sums] == [one.paired for one in from_rows]
    assert [one.details().get("against") for one in from_sums] == [one.details().get("against") for one in from_rows]
    assert any(one.mix for one in from_rows) or returning == 20


def test_people_whose_numbers_squared_are_beyond_32_bits_are_counted(session):
    study = plant_study(session)
    ids = [46_341, 1_000_002, 2_000_000_000]
    for number in ids:
        plant_person(session, study, f"p{number}", id=number)
    before, both, newest = touched.census(session, study.id, ids[1])
    rest = [number % touched.REMAINDER for number in ids]
    assert before == {"0": [2, sum(ids[:2]), sum(one**2 for one in rest[:2])]}
    assert both == {"0": [3, sum(ids), sum(one**2 for one in rest)]}
    assert newest == ids[2]
