"""Invite lists are read line by line, and people keep their arm."""

import pytest
from sqlmodel import select

from db.engine import write_session
from db.queries import arms_of
from db.tables import Participant
from recux.access.invite_lists import Row, invite_list, read_list, replace_people, to_csv
from recux.access.invites import Invite
from recux.errors import Conflict, InvalidInput
from tests.planting import plant_person, plant_study


def test_a_list_is_read_with_or_without_its_optional_columns():
    assert read_list(b"\xef\xbb\xbfparticipant_id,cohort\r\nann, new \r\nbob,\r\n") == [Row("ann", "new"), Row("bob")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "not a CSV file"),
        (b"id\nx\n", "needs a column participant_id"),
        (b"participant_id\nann\nann\n", "line 3: 'ann' is there twice"),
        (b"participant_id,cohort\n,new\n", "line 2"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_its_line(content, said):
    with pytest.raises(InvalidInput, match=said):
        read_list(content)


def test_people_keep_their_arm_and_an_unknown_arm_is_refused(engine):
    with write_session(engine) as session:
        study = plant_study(session)
        first, second = arms_of(session, study.id)
        plant_person(session, study, "ann", arm_id=first.id)
        invite_list(session, study, [Row("ann", "new", "zh_CN", "a"), Row("bob", arm="b")])
        people = {p.external_id: p for p in session.exec(select(Participant))}
        assert (people["ann"].arm_id, people["ann"].cohort, people["ann"].language) == (first.id, "new", "zh_CN")
        assert people["bob"].arm_id == second.id
        with pytest.raises(Conflict, match="keep their arm"):
            invite_list(session, study, [Row("ann", arm="b")])
        with pytest.raises(InvalidInput, match="no arm 'c'"):
            invite_list(session, study, [Row("cem", arm="c")])
        with pytest.raises(Conflict, match="not rejected"):
            replace_people(session, study, ["ann"])


def test_links_out_cannot_run_as_formulas():
    assert to_csv([Invite("=1+1", "tok")], "https://r.example.org").splitlines()[1] == (
        "'=1+1,https://r.example.org/join/tok"
    )
