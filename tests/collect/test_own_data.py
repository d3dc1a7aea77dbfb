"""People can read, withdraw and erase what they gave."""

import csv
import io
import json

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from db.engine import write_session
from db.queries import counts
from db.tables import (
    Answer,
    ApiKey,
    ApiReply,
    BatchRow,
    CommentMark,
    CommentReading,
    CommentTag,
    CommentTheme,
    Consent,
    Interaction,
    ModelExample,
    ModelVersion,
    PanelMember,
    Participant,
    PersonAggregate,
    Rating,
    Request,
    Response,
    Slate,
    Study,
)
from db.tables import Session as BrowserSession
from recux.collect.own_data import as_csv, batches_with, erase, export, withdraw
from recux.collect.ratings import save_rating
from recux.collect.responses import save_answer
from recux.collect.slates import slate_for
from recux.collect.views import record_views
from recux.errors import NotAllowed
from recux.instruments import load
from recux.rounds import close_batch
from tests.collect.people import plant_consented
from tests.planting import START

SHOWN_BY = {
    "consent": "consent",
    "panel_member": "panel",
    "browser_session": "signed_in",
    "slate": "recommendations",
    "impression": "recommendations",
    "rating": "ratings",
    "response": "answers",
    "answer": "answers",
    "interaction": "interactions",
    "comment_reading": "comments_as_read",
    "comment_tag": "comment_tags",
}
"""Tables with rows about a person, and the part of their own data that shows them."""
COMPUTED = {"person_aggregate", "comment_mark", "model_example", "api_reply"}
"""Sums, hashes, words of a comment with a model's weights, and what an app was answered: made of what is shown."""
KEPT_WITHOUT_NAME = {"request"}
"""How long a call took: the list that it was for goes, the measurement stays."""

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
    assert {row["record"] for row in rows} == {kind for kind, some in kept.items() if some}
    answer = next(row for row in rows if row["record"] == "answers")
    assert (answer["version"], answer["text"]) == ("1", "ann knows why")
    assert json.loads(answer["shown"])["questions"] == ["score", "why"]


def test_withdrawing_takes_the_person_out_of_the_counting_and_stops_new_answers(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_active(session, "ann")
        plant_active(session, "bob")
        counting = select(Participant.external_id).where(counts()).order_by(col(Participant.id))
        assert session.exec(counting).all() == ["ann", "bob"]
        withdraw(session, person)
        when = person.withdrawn_at
        withdraw(session, person)
        assert person.withdrawn_at == when
        assert session.exec(counting).all() == ["bob"]
        with pytest.raises(NotAllowed, match="withdrawn"):
            save_answer(session, person, load("nps"), "score", value=1)


def reach() -> dict[str, list[tuple[str, str]]]:
    """Each table that names a person, directly or through rows of theirs: the columns, and what they name."""
    found: dict[str, list[tuple[str, str]]] = {}
    whose = {"participant"}
    for table in SQLModel.metadata.sorted_tables:  # what is named comes first
        names = [(key.parent.name, key.column.table.name) for key in table.foreign_keys]
        theirs = [(column, other) for column, other in names if other in whose]
        if theirs:
            found[table.name] = theirs
            whose.add(table.name)
    return found


def plant_everywhere(session: Session, person: Participant) -> None:
    """A row about the person in every table that can have one."""
    rating = session.exec(select(Rating).where(Rating.participant_id == person.id, Rating.comment != "")).one()
    here = {"study_id": person.study_id}
    round_ = close_batch(session, session.get_one(Study, person.study_id))
    model = ModelVersion(**here, round_id=round_.id, head="rating", name=person.external_id, base_model="b", folder="f")
    theme = CommentTheme(**here, round_id=round_.id, number=1, words=["slow"], comments=1)
    key = ApiKey(
        name="app", prefix=person.external_id, key_hash=person.external_id, scopes=[], per_minute=1, created_by="x"
    )
    session.add_all([model, theme, key])
    session.flush()
    mine = {"participant_id": person.id}
    slate = session.exec(select(Slate).where(Slate.participant_id == person.id)).one()
    session.add_all(
        [
            PanelMember(**here, **mine, lookup=person.external_id, sealed="sealed"),
            BrowserSession(token_hash=person.external_id, **mine, expires_at=START),
            PersonAggregate(**here, **mine, arm="", fields=b"", items=b""),
            CommentMark(**here, **mine, mark=person.id),
            ApiReply(api_key_id=key.id, idempotency_key="k", request_hash="h", status=200, body="{}", **mine),
            CommentTag(**here, rating_id=rating.id, tag="speed", created_by="team"),
            CommentReading(**here, round_id=round_.id, rating_id=rating.id, theme_id=theme.id, expected=1.5),
            ModelExample(
                model_version_id=model.id, rating_id=rating.id, label=2, expected=4, words=["no"], weights=[1]
            ),
            Request(
                **here, slate_id=slate.id, row_key=person.external_id, requested_at=START, duration_ms=1, outcome="ok"
            ),
        ]
    )
    session.flush()


def rows_naming(session: Session, table: str, theirs: list[tuple[str, str]]) -> int:
    """Rows of a table that name a person or anything of theirs."""
    columns = SQLModel.metadata.tables[table].c
    named = sa.or_(*(columns[column].is_not(None) for column, _ in theirs))
    return session.connection().execute(sa.select(sa.func.count()).where(named)).scalar_one()


def test_erasing_reaches_every_table_that_names_a_person(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_active(session, "ann")
        plant_everywhere(session, person)
        bare = [table for table, theirs in reach().items() if not rows_naming(session, table, theirs)]
        assert bare == [], "plant a row about the person in these new tables too"
        requests = session.exec(sa.select(sa.func.count()).select_from(Request)).scalar_one()
        erase(session, person)
        assert [table for table, theirs in reach().items() if rows_naming(session, table, theirs)] == []
        assert session.exec(sa.select(sa.func.count()).select_from(Request)).scalar_one() == requests


def test_a_person_can_read_what_every_table_has_about_them(engine: sa.Engine) -> None:
    assert set(reach()) == SHOWN_BY.keys() | COMPUTED | KEPT_WITHOUT_NAME, "say where this table is shown, or why not"
    with write_session(engine) as session:
        person = plant_active(session, "ann")
        plant_active(session, "bob")
        plant_everywhere(session, person)
        data = json.loads(json.dumps(export(session, person, panel_ids={"PROLIFIC_PID": "5f1"})))
    assert [part for part in set(SHOWN_BY.values()) if not data[part]] == []
    assert data["participant"]["came_by"] == "a personal link"
    assert data["panel"] == [{"name": "PROLIFIC_PID", "value": "5f1"}]
    assert data["comments_as_read"] == [{"comment": "ann says no", "about": ["slow"], "predicted_satisfaction": 1.5}]
    assert data["comment_tags"][0]["tag"] == "speed"
    assert "bob" not in json.dumps(data)


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
