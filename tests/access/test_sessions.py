from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import read_session, write_session
from db.tables import Participant, Study, User, now
from db.tables import Session as BrowserSession
from recux.access.accounts import create_user
from recux.access.sessions import end_all_sessions, end_session, needs_renewal, owner_of, renew, start_session


@pytest.fixture
def ada(engine: sa.Engine) -> User:
    with write_session(engine) as session:
        return create_user(session, "ada@example.org", "correct horse battery", "viewer")


@pytest.fixture
def person(engine: sa.Engine) -> Participant:
    with write_session(engine) as session:
        study = Study(slug="s", title="S", salt="salt")
        session.add(study)
        session.flush()
        person = Participant(study_id=study.id, external_id="p1")
        session.add(person)
        return person


def test_a_cookie_finds_its_owner_of_either_kind(engine, ada, person):
    with write_session(engine) as session:
        of_user = start_session(session, user=ada, hours=1)
        of_person = start_session(session, participant=person, hours=1)
    with read_session(engine) as session:
        assert owner_of(session, of_user).email == "ada@example.org"
        assert owner_of(session, of_person).external_id == "p1"
        assert owner_of(session, "forged") is None


def test_the_database_keeps_no_usable_cookie(engine, ada):
    with write_session(engine) as session:
        cookie = start_session(session, user=ada, hours=1)
        row = session.exec(select(BrowserSession)).one()
        assert cookie not in row.token_hash
        assert owner_of(session, row.token_hash) is None


def test_an_expired_session_is_nobody_and_is_swept_out(engine, ada):
    with write_session(engine) as session:
        old = start_session(session, user=ada, hours=-1)
        assert owner_of(session, old) is None
        start_session(session, user=ada, hours=1)
        assert len(session.exec(select(BrowserSession)).all()) == 1


def test_signing_out_ends_one_browser_and_everywhere_ends_all(engine, ada):
    with write_session(engine) as session:
        first, second, third = (start_session(session, user=ada, hours=1) for _ in range(3))
        end_session(session, first)
        assert owner_of(session, first) is None
        assert owner_of(session, second) is not None
        end_all_sessions(session, ada)
        assert owner_of(session, second) is owner_of(session, third) is None


def test_use_prolongs_a_session_in_its_second_half_only(engine, ada):
    with write_session(engine) as session:
        fresh = start_session(session, user=ada, hours=12)
        used = start_session(session, user=ada, hours=5)
        over = start_session(session, user=ada, hours=-1)
        assert [needs_renewal(session, cookie, hours=12) for cookie in (fresh, used, over)] == [False, True, False]
        renew(session, used, hours=12)
        renew(session, over, hours=12)
        assert not needs_renewal(session, used, hours=12)
        assert owner_of(session, over) is None
        assert session.exec(select(BrowserSession.expires_at)).all()[-1] < now() + timedelta(hours=13)


def test_erasing_a_participant_ends_their_session(engine, person):
    with write_session(engine) as session:
        cookie = start_session(session, participant=person, hours=1)
    with write_session(engine) as session:
        session.delete(session.get_one(Participant, person.id))
    with read_session(engine) as session:
        assert owner_of(session, cookie) is None
