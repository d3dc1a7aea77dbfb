"""What a round's evidence is read from: lists that people saw, first rounds, who is new."""

from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from db.engine import write_session
from db.tables import Impression, Participant, Rating, Round, Slate, Study
from recux.rounds.batches import close_batch
from recux.suggest.evidence import read_evidence
from recux.suggest.findings.data import sample_ratio
from recux.suggest.frames import Evidence
from tests.suggest.pilots import START, collect, placebo, store


def evidence_of(engine: sa.Engine, round_id: int) -> Evidence:
    with write_session(engine) as session:
        return read_evidence(session, session.get_one(Round, round_id))


@pytest.mark.parametrize("source", ["rerank", "imported"])
def test_a_list_that_still_waits_for_somebody_is_no_list(sqlite_engine: sa.Engine, source: str) -> None:
    round_id = store(sqlite_engine, placebo(people=20))
    before = evidence_of(sqlite_engine, round_id)
    with write_session(sqlite_engine) as session:
        person = session.exec(sa.select(Participant)).scalars().first()
        who = {"study_id": person.study_id, "participant_id": person.id, "arm_id": person.arm_id}
        ready = Slate(**who, external_id="ready", source=source)
        session.add(ready)
        session.flush()
        session.add(Impression(slate_id=ready.id, item_id=1, position=1))
    after = evidence_of(sqlite_engine, round_id)
    assert len(after.impressions) == len(before.impressions) == 20 * 9


def test_every_rating_finds_its_place_and_its_arm_in_its_list(engine: sa.Engine) -> None:
    pilot = placebo(people=20)
    e = evidence_of(engine, store(engine, pilot))
    shown = {(row["person"], row["item"]): row["position"] for row in pilot.shown}
    assert e.position.tolist() == [shown[pair] for pair in zip(e.person.tolist(), e.item.tolist(), strict=True)]
    assert e.ratings["arm"].tolist() == [pilot.people[person]["arm"] for person in e.person]
    assert np.isfinite(e.ratings["at"]).all()


def test_the_first_round_of_a_person_stays_when_the_rating_is_changed_later(sqlite_engine: sa.Engine) -> None:
    store(sqlite_engine, placebo(people=20))
    with write_session(sqlite_engine) as session:
        old = session.exec(sa.select(Rating).where(Rating.participant_id == 1)).scalars().all()
        for rating in old:
            rating.current = False
            session.add(rating)
        session.flush()
        for rating in old:
            fields = rating.model_dump(exclude={"id", "current", "rating", "rated_at", "received_at"})
            session.add(Rating(**fields, current=True, rating=1.0, rated_at=START, received_at=START))
        second = close_batch(session, session.get_one(Study, 1))
    e = evidence_of(sqlite_engine, second.id)
    assert e.ratings.loc[e.person == 0, "round"].tolist() == [2] * 9
    assert e.first.tolist() == [1] * 20


def test_people_are_returning_who_were_there_before_the_visit_of_their_first_rating(engine: sa.Engine) -> None:
    pilot = placebo(people=20)
    for person in pilot.people:
        person["attributes"] = {"device": "phone"}
    pilot.interactions = [{"person": 7, "item": 3, "kind": "view"}, {"person": 8, "item": 3, "kind": "click"}]
    pilot.interactions += [{"person": 0, "item": 3, "kind": "view"}]  # in the same minute as the first rating
    e = evidence_of(engine, store(engine, pilot))
    codes, names = e.traits["experience"]
    assert [person for person in range(20) if names[codes[person]] == "returning"] == [7, 8]
    assert e.interactions.to_dict("records") == [{"person": 8, "item": 3, "kind": "click"}]


def test_an_arm_that_opened_later_in_the_batch_is_no_smaller_than_planned(sqlite_engine: sa.Engine) -> None:
    collect(sqlite_engine, placebo(0, people=150))
    e = evidence_of(sqlite_engine, store(sqlite_engine, placebo(1, people=150, arms=("a", "b", "c")), day=30))
    later = e.together([0, 1, 2])
    assert 140 < later.sum() <= 150
    (ratio,) = sample_ratio(e)
    assert ratio.p > 0.01
    unknown = replace(e, ratings=e.ratings.assign(at=np.nan))
    assert unknown.together([0, 1, 2]).all()
