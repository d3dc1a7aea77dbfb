"""Answers are kept one by one, with the wording shown; refusing is not the same as missing."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import write_session
from db.tables import Answer, Response
from recux.collect.responses import answers_of, complete_response, save_answer
from recux.errors import Conflict, InvalidInput, NotAllowed, NotFound
from recux.instruments import load
from tests.collect.people import plant_consented, plant_invited

NPS = load("nps")


def all_answers(session: Session) -> list[Answer]:
    return list(session.exec(select(Answer).order_by(col(Answer.id))))


def test_an_answer_keeps_wording_version_and_language(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        save_answer(session, person, NPS, "score", value=0, language="zh_CN")
        answer, response = all_answers(session)[0], session.exec(select(Response)).one()
        assert (answer.value, answer.wording) == (0, "您有多大可能把这项服务推荐给朋友或同事？")
        assert (response.version, response.language, response.wave) == (NPS.version, "zh_CN", 1)


def test_the_same_answer_twice_is_one_and_another_is_a_revision(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        for value in (9, 9, 3):
            save_answer(session, person, NPS, "score", value=value)
        assert [(a.value, a.current) for a in all_answers(session)] == [(9, False), (3, True)]


def test_refusing_is_kept_apart_from_missing_and_can_be_taken_back(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        save_answer(session, person, NPS, "score", refused=True)
        assert answers_of(session, person, "nps")["score"].refused
        save_answer(session, person, NPS, "score", value=7)
        now = answers_of(session, person, "nps")["score"]
        assert (now.value, now.refused) == (7, False)


def test_a_text_that_is_emptied_is_taken_back_but_not_forgotten(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        save_answer(session, person, NPS, "why", text="slow\0 pages")
        assert save_answer(session, person, NPS, "why", text="  ") is None
        assert answers_of(session, person, "nps") == {}
        assert [(a.text, a.current) for a in all_answers(session)] == [("slow pages", False)]


def test_a_response_is_complete_only_when_every_required_question_was_met(engine: sa.Engine) -> None:
    with write_session(engine) as session:
        person = plant_consented(session)
        with pytest.raises(Conflict, match="not answered yet: score"):
            complete_response(session, person, NPS, language="en")
        save_answer(session, person, NPS, "score", refused=True)
        done = complete_response(session, person, NPS, language="en").completed_at
        assert done is not None
        assert complete_response(session, person, NPS, language="en").completed_at == done


def test_what_does_not_fit_the_question_is_refused_and_leaves_nothing(sqlite_engine: sa.Engine) -> None:
    with write_session(sqlite_engine) as session:
        person = plant_consented(session)
        with pytest.raises(InvalidInput):
            save_answer(session, person, NPS, "score", value=11)
        with pytest.raises(NotFound):
            save_answer(session, person, NPS, "scores", value=1)
        with pytest.raises(InvalidInput, match="at most 5000"):
            save_answer(session, person, NPS, "why", text="x" * 20_000)
        assert session.exec(select(Response)).all() == []


def test_nothing_is_taken_without_consent(sqlite_engine: sa.Engine) -> None:
    with write_session(sqlite_engine) as session, pytest.raises(NotAllowed):
        save_answer(session, plant_invited(session), NPS, "score", value=5)
