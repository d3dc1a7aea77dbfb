"""The people page: the way from invite to the end, links, reminders, and answers that do not count."""

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from db.engine import read_session, write_session
from db.queries import arms_of, counts
from db.tables import Item, Participant
from tests.pages.planted import audited, charts_on, field, press, texts
from tests.planting import plant_person, plant_rating


def seeing(open_as, role: str, view: str):
    return open_as(role, "people").segmented_control(key="view").select(view).run()


def test_an_admin_makes_invite_links_that_work(open_as, sqlite_engine, empty) -> None:
    at = seeing(open_as, "admin", "invite")
    field(at.number_input, "How many").set_value(3)
    press(at, "Make invite links")
    links = at.dataframe[0].value["link"]
    assert len(links) == 3
    assert all("/join/" in link for link in links)
    with read_session(sqlite_engine) as session:
        assert len(session.exec(select(Participant).where(col(Participant.invite_hash).is_not(None))).all()) == 3


def test_a_list_brings_its_people_with_cohort_and_arm(open_as, sqlite_engine, empty) -> None:
    at = seeing(open_as, "admin", "invite")
    at.file_uploader(key="invite-list").upload("l.csv", b"participant_id,cohort,arm\nann,new,b\n=1+1,,\n", "text/csv")
    press(at, "Make invite links")
    assert at.dataframe[0].value["participant_id"].tolist() == ["ann", "'=1+1"]
    with read_session(sqlite_engine) as session:
        ann = session.exec(select(Participant).where(Participant.external_id == "ann")).one()
        assert (ann.cohort, ann.arm_id) == ("new", arms_of(session, empty.id)[1].id)
    at.file_uploader(key="invite-list").upload("l.csv", b"name\nx\n", "text/csv")
    assert "needs a column" in texts(press(at, "Make invite links"))


def test_an_open_link_is_shown_once_and_ended(open_as, sqlite_engine, empty) -> None:
    at = press(seeing(open_as, "admin", "invite"), "Make the open link")
    assert "/join/" in at.code[0].value
    press(at, "End the open link")
    assert audited(sqlite_engine) == ["study.open_link", "study.open_link.end"]


def test_people_are_counted_on_their_way_and_the_split_is_checked(open_as, sqlite_engine, pilot) -> None:
    with write_session(sqlite_engine) as session:
        plant_person(session, pilot, "silent")
    at = open_as("viewer", "people")
    assert charts_on(at) == 1
    assert not at.main.button
    shown = texts(at).replace("\\", "")
    assert "24 of 25 have finished" in shown
    assert "Most people are lost before" in shown
    assert "No reason to doubt the split" in shown
    assert at.dataframe[0].value["people"].tolist() == [12, 12]


@pytest.fixture
def careless(sqlite_engine: sa.Engine, pilot) -> Participant:
    """Somebody who rates everything alike, with the same words."""
    with write_session(sqlite_engine) as session:
        person = plant_person(session, pilot, "careless", arm_id=arms_of(session, pilot.id)[0].id, cohort="new")
        for item in session.exec(select(Item.id).where(Item.study_id == pilot.id)).all():
            for day in (1, 2):
                plant_rating(session, person, item, 5, day=day, comment="just the same words again")
        return person


def count_of(engine: sa.Engine) -> int:
    with read_session(engine) as session:
        return len(session.exec(select(Participant.id).where(counts())).all())


def tick(at, key: str, *rows: int):
    at.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return at.run()


def test_a_flagged_persons_answers_are_rejected_and_the_place_is_given_to_somebody_else(
    open_as, sqlite_engine, careless
) -> None:
    at = seeing(open_as, "admin", "care")
    assert "always the same answer" in at.dataframe[1].value["reason"].iloc[0]
    tick(at, "flagged", 0)
    press(at, "Reject 1")
    assert count_of(sqlite_engine) == 24
    tick(at, "out", 0)
    press(at, "Invite 1 new")
    with read_session(sqlite_engine) as session:
        fresh = session.exec(select(Participant).order_by(col(Participant.id).desc())).first()
        assert (fresh.arm_id, fresh.cohort, fresh.external_id != "careless") == (careless.arm_id, "new", True)
    tick(at, "out", 0)
    press(at, "Let 1 people")
    assert count_of(sqlite_engine) == 26
    assert audited(sqlite_engine) == ["answers.reject", "study.replace", "answers.take_back"]


def test_reminders_list_those_who_have_not_finished_and_note_the_download(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        plant_person(session, empty, "slow", invite_hash="h1")
        plant_person(session, empty, "done", invite_hash="h2", finished_at=empty.created_at)
        plant_person(session, empty, "imported")
    at = seeing(open_as, "analyst", "remind")
    assert at.dataframe[0].value["participant"].tolist() == ["slow"]
    at.get("download_button")[0].click().run()
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Participant.external_id).where(col(Participant.reminded_at).is_not(None))).all() == [
            "slow"
        ]
