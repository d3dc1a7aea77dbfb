"""Nothing is taken from anybody who did not agree to the present text."""

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import write_session
from db.tables import Consent, ConsentText, Study, now
from recux.collect.consent import current_consent, decide, decision_of, require_consent, standing
from recux.errors import Conflict, NotAllowed, RecuxError
from tests.collect.people import plant_consented, plant_invited
from tests.planting import plant_person, plant_study


def test_the_text_comes_in_the_persons_language_or_in_english(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_invited(session)
        assert current_consent(session, person, "zh_CN").text == "愿意参加吗？"
        assert current_consent(session, person, "fr").text == "Take part?"
        assert current_consent(session, person, None).text == "Take part?"


def test_a_study_without_any_text_says_so(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_person(session, plant_study(session), "ann")
        with pytest.raises(Conflict, match="no consent text"):
            current_consent(session, person, "en")


def test_the_last_decision_counts_and_the_same_one_twice_is_one_row(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_invited(session)
        text = current_consent(session, person, "en")
        assert decision_of(session, person) is None
        decide(session, person, text, given=False)
        assert decision_of(session, person) is False
        decide(session, person, text, given=True)
        decide(session, person, text, given=True)
        assert decision_of(session, person) is True
        assert len(session.exec(select(Consent)).all()) == 2


def test_a_new_version_of_the_text_is_asked_again(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        session.add(ConsentText(study_id=person.study_id, language="en", version=2, text="Now with more."))
        session.flush()
        assert decision_of(session, person) is None
        with pytest.raises(NotAllowed, match="has not consented"):
            require_consent(session, person)


@pytest.mark.parametrize(("status", "word"), [("draft", "not_started"), ("paused", "paused"), ("closed", "closed")])
def test_a_study_that_is_not_live_takes_no_answers(engine: sa.Engine, status: str, word: str) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        session.get_one(Study, person.study_id).status = status
        session.flush()
        assert standing(session, person) == word
        with pytest.raises(NotAllowed, match=word.replace("_", " ")):
            require_consent(session, person)


def test_a_test_participant_may_try_a_draft(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session, test=True)
        session.get_one(Study, person.study_id).status = "draft"
        session.flush()
        require_consent(session, person)
        person.test = False
        session.flush()
        with pytest.raises(RecuxError):  # anyone else waits for the launch
            require_consent(session, person)


def test_a_withdrawn_person_is_not_asked_any_more(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        person.withdrawn_at = now()
        session.flush()
        with pytest.raises(NotAllowed, match="withdrawn"):
            require_consent(session, person)
