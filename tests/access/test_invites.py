import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from db.engine import write_session
from db.tables import Consent, ConsentText, Participant, Study
from recux.access.invites import create_invites, participant_of_invite
from recux.access.tokens import new_token
from recux.errors import Conflict, InvalidInput, NotAllowed


def live_study(session: Session, status: str = "live") -> Study:
    study = Study(slug="s", title="S", salt="salt", status=status)
    session.add(study)
    session.flush()
    return study


def test_a_link_leads_to_its_person_again_and_again(engine: sa.Engine):
    with write_session(engine) as session:
        invites = create_invites(session, live_study(session), count=3)
    with write_session(engine) as session:
        for invite in invites * 2:
            assert participant_of_invite(session, invite.token).external_id == invite.participant_id


def test_tokens_have_128_random_bits_and_are_not_stored(sqlite_engine):
    assert len({new_token() for _ in range(100)}) == 100
    with write_session(sqlite_engine) as session:
        (invite,) = create_invites(session, live_study(session), count=1)
        assert len(invite.token) == 22
        assert invite.token not in repr(session.exec(select(Participant)).one())


def test_named_people_are_made_when_new_and_get_a_new_link_when_known(engine):
    with write_session(engine) as session:
        study = live_study(session)
        (old,) = create_invites(session, study, participant_ids=["ann"])
        new = create_invites(session, study, participant_ids=[" ann", "bob", "bob"])
        assert [invite.participant_id for invite in new] == ["ann", "bob"]
        assert participant_of_invite(session, new[0].token).external_id == "ann"
        with pytest.raises(NotAllowed, match="not valid"):
            participant_of_invite(session, old.token)


def test_without_arguments_everyone_without_a_link_gets_one(engine):
    with write_session(engine) as session:
        study = live_study(session)
        session.add(Participant(study_id=study.id, external_id="imported"))
        create_invites(session, study, participant_ids=["ann"])
        assert [invite.participant_id for invite in create_invites(session, study)] == ["imported"]
        assert create_invites(session, study) == []


@pytest.mark.parametrize("token", ["", "x", "..%2f", "a" * 5000, "é\x00"])
def test_a_forged_token_opens_nothing(sqlite_engine, token):
    with pytest.raises(NotAllowed, match="not valid"), write_session(sqlite_engine) as session:
        participant_of_invite(session, token)


def test_a_draft_opens_for_test_participants_only(engine):
    with write_session(engine) as session:
        study = live_study(session, "draft")
        (real,) = create_invites(session, study, count=1)
        (test,) = create_invites(session, study, count=1, test=True)
        assert participant_of_invite(session, test.token).test
        with pytest.raises(NotAllowed, match="not started"):
            participant_of_invite(session, real.token)


@pytest.mark.parametrize("status", ["paused", "closed"])
def test_a_study_that_stopped_opens_for_those_who_took_part_only(engine, status):
    with write_session(engine) as session:
        study = live_study(session)
        text = ConsentText(study_id=study.id, language="en", text="Do you agree?")
        session.add(text)
        known, new = create_invites(session, study, count=2)
        study.status = status
        session.flush()
        person = session.exec(select(Participant).where(Participant.external_id == known.participant_id)).one()
        session.add(Consent(participant_id=person.id, consent_text_id=text.id, given=True))
        assert participant_of_invite(session, known.token) is person
        with pytest.raises(NotAllowed, match=f"is {status}"):
            participant_of_invite(session, new.token)


@pytest.mark.parametrize(
    "arguments", [{"count": 0}, {"count": 1, "participant_ids": ["a"]}, {"participant_ids": [" "]}]
)
def test_senseless_requests_for_invites_are_refused(sqlite_engine, arguments):
    with pytest.raises(InvalidInput), write_session(sqlite_engine) as session:
        create_invites(session, live_study(session), **arguments)


@pytest.mark.parametrize(
    ("participant", "words"), [("a\x07b", r"U\+0007"), ("a" * 400, "400 characters, at most 255"), (" ", "is empty")]
)
def test_an_id_that_an_import_would_refuse_is_not_invited(sqlite_engine, participant, words):
    with write_session(sqlite_engine) as session:
        study = live_study(session)
        with pytest.raises(InvalidInput, match=words):
            create_invites(session, study, participant_ids=[participant])


def test_a_closed_study_invites_only_who_took_part_because_a_link_opens_it_for_nobody_else(sqlite_engine):
    with write_session(sqlite_engine) as session:
        study = live_study(session)
        text = ConsentText(study_id=study.id, language="en", text="Agree?")
        session.add_all([text, Participant(study_id=study.id, external_id="ann")])
        session.flush()
        session.add(Consent(participant_id=1, consent_text_id=text.id, given=True))
        study.status = "closed"
        (invite,) = create_invites(session, study, participant_ids=["ann"])
        assert participant_of_invite(session, invite.token).external_id == "ann"
        for asked in ({"count": 1}, {"participant_ids": ["bob"]}):
            with pytest.raises(Conflict, match="the study s is closed; nobody can come in any more"):
                create_invites(session, study, **asked)
