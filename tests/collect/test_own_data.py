"""People can read, withdraw and erase what they gave."""

import csv
import io
import json

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from db.engine import write_session
from db.queries import counting_ratings
from db.tables import (
    Answer,
    BatchRow,
    Consent,
    Interaction,
    Participant,
    Rating,
    Response,
    Slate,
    Study,
)
from recux.collect.own_data import as_csv, batches_with, erase, export, withdraw
from recux.collect.ratings import save_rating
from recux.collect.responses import save_answer
from recux.collect.slates import slate_for
from recux.collect.views import record_views
from recux.errors import NotAllowed
from recux.instruments import load
from recux.rounds import close_batch
from tests.collect.people import plant_consented

THEIRS: list[type[SQLModel]] = [Rating, Response, Answer, Interaction, Slate, Consent]


def plant_active(session: Session, name: str) -> Participant:
    person = plant_consented(session, name)
    first = slate_for(session, person).cards[0].impression
    record_views(session, person, {card.impression.id: 1500.0 for card in slate_for(session, person).cards})
    save_rating(session, person, first, rating=4)
    save_rating(session, person, first, rating=2, comment=f"{name} says no")
    save_answer(session, person, load("nps"), "why", text=f"{name} knows why")
    return person


def test_the_export_has_every_revision_and_is_json(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_active(session, "ann")
        plant_active(session, "bob")
        data = json.loads(json.dumps(export(session, person)))
    assert data["participant"]["external_id"] == "ann"
    assert [(r["rating"], r["current"]) for r in data["ratings"]] == [(4, False), (2, True)]
    assert data["answers"][0]["text"] == "ann knows why"
    assert data["answers"][0]["wording"].startswith("What is the main reason")
    assert data["consent"][0]["text"] == "Take part?"
    assert len(data["recommendations"]) == len(data["interactions"]) == 3
    assert "bob" not in json.dumps(data)


def test_the_table_has_every_revision_and_no_formula(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_active(session, "ann")
        for comment in ("=HYPERLINK(1)", "+1", "@sum", "-2+3", 'a, "b"\nc', "5"):
            save_rating(session, person, slate_for(session, person).cards[1].impression, rating=3, comment=comment)
        kept = export(session, person)
    rows = list(csv.DictReader(io.StringIO(as_csv(kept), newline="")))
    ratings = [row for row in rows if row["record"] == "ratings"]
    assert len(ratings) == len(kept["ratings"]) == 8
    assert [row["comment"] for row in ratings[2:]] == [
        "'=HYPERLINK(1)",
        "+1",
        "'@sum",
        "'-2+3",
        'a, "b"\nc',
        "5",
    ]
    assert {row["record"] for row in rows} == set(kept)
    answer = next(row for row in rows if row["record"] == "answers")
    assert (answer["version"], answer["text"]) == ("1", "ann knows why")
    assert json.loads(answer["shown"])["questions"] == ["score", "why"]


def test_withdrawing_takes_the_person_out_of_the_counting_and_stops_new_answers(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_active(session, "ann")
        plant_active(session, "bob")
        assert len(session.exec(counting_ratings(person.study_id)).all()) == 2
        withdraw(session, person)
        when = person.withdrawn_at
        withdraw(session, person)
        assert person.withdrawn_at == when
        assert len(session.exec(counting_ratings(person.study_id)).all()) == 1
        with pytest.raises(NotAllowed, match="withdrawn"):
            save_answer(session, person, load("nps"), "score", value=1)


def test_erasing_leaves_nothing_of_the_person_but_the_batch_hashes(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person, other = plant_active(session, "ann"), plant_active(session, "bob")
        close_batch(session, session.exec(select(Study)).one())
        assert batches_with(session, person) == [1]
        hashes = len(session.exec(select(BatchRow)).all())
        before = {table: len(session.exec(select(table)).all()) for table in THEIRS}
        erase(session, person)
    with write_session(engine) as session:
        assert [p.external_id for p in session.exec(select(Participant))] == ["bob"]
        after = {table: len(session.exec(select(table)).all()) for table in THEIRS}
        assert after == {table: count // 2 for table, count in before.items()}
        assert len(session.exec(select(BatchRow)).all()) == hashes
        assert batches_with(session, session.get_one(Participant, other.id)) == [1]
