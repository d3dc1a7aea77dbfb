"""Answers to questionnaires: saved one by one, each with the wording that was shown."""

from collections.abc import Mapping

from sqlmodel import Session, select

from db.tables import Answer, Participant, Response, now
from recux.collect.consent import require_consent
from recux.collect.words import clean
from recux.errors import Conflict
from recux.instruments import Instrument, Question, check_answer

WAVE = 1


def save_answer(
    session: Session,
    participant: Participant,
    instrument: Instrument,
    question: str,
    *,
    value: float | None = None,
    text: str | None = None,
    refused: bool = False,
    language: str | None = None,
    wave: int = WAVE,
) -> Answer | None:
    """Keep an answer as the current revision; the same answer again changes nothing.

    ``wave`` counts how often the instrument is asked: in a crossover study, the period of the slate that it is about.
    ``refused`` is "prefer not to say", which is kept apart from missing. Nothing at all (no value, blank text, not
    refused) takes an earlier answer back and returns None; its revisions stay in the history.
    Raises NotAllowed (no consent, withdrawn, study not open), NotFound and InvalidInput.
    """
    asked = instrument.question(question)
    text = clean(text, longest=asked.max_length)
    if refused:
        value, text = None, None
    elif (value, text) != (None, None):
        check_answer(asked, value, text)
    response = start_response(session, participant, instrument, language=language, wave=wave)
    before = _current(session, response).get(question)
    if before is not None and (before.value, before.text, before.refused) == (value, text, refused):
        return before
    return _revise(session, response, before, asked, value=value, text=text, refused=refused, language=language)


def start_response(
    session: Session, participant: Participant, instrument: Instrument, *, language: str | None, wave: int = WAVE
) -> Response:
    """The person's response to the instrument; begun now when there is none. Raises NotAllowed."""
    require_consent(session, participant)
    response = response_of(session, participant, instrument.id, wave=wave)
    if response is None:
        assert participant.id is not None
        response = Response(
            study_id=participant.study_id,
            participant_id=participant.id,
            instrument=instrument.id,
            version=instrument.version,
            language=language,
            wave=wave,
            shown=instrument.order,
        )
        session.add(response)
        session.flush()
    return response


def complete_response(
    session: Session, participant: Participant, instrument: Instrument, *, language: str | None, wave: int = WAVE
) -> Response:
    """Mark the response as complete. Raises Conflict that names the questions still to be answered."""
    response = start_response(session, participant, instrument, language=language, wave=wave)
    left = unanswered(instrument, _current(session, response))
    if left:
        raise Conflict(f"{instrument.id}: not answered yet: {', '.join(question.name for question in left)}")
    if response.completed_at is None:
        response.completed_at = now()
        session.add(response)
        session.flush()
    return response


def response_of(session: Session, participant: Participant, instrument_id: str, *, wave: int = WAVE) -> Response | None:
    """The person's response to the instrument, begun or complete."""
    return session.exec(
        select(Response).where(
            Response.participant_id == participant.id, Response.instrument == instrument_id, Response.wave == wave
        )
    ).first()


def answers_of(
    session: Session, participant: Participant, instrument_id: str, *, wave: int = WAVE
) -> dict[str, Answer]:
    """The person's current answers to the instrument, by question."""
    response = response_of(session, participant, instrument_id, wave=wave)
    return _current(session, response) if response else {}


def values(answers: Mapping[str, Answer]) -> dict[str, float | None]:
    """The numbers among the answers, as instruments score and branch on them."""
    return {name: answer.value for name, answer in answers.items()}


def unanswered(instrument: Instrument, answers: Mapping[str, Answer]) -> list[Question]:
    """Questions that still need an answer or a refusal: asked, not optional, not answered."""
    asked = instrument.asked(values(answers))
    return [question for question in asked if not question.optional and question.name not in answers]


def _current(session: Session, response: Response) -> dict[str, Answer]:
    rows = session.exec(select(Answer).where(Answer.response_id == response.id, Answer.current)).all()
    return {answer.question: answer for answer in rows}


def _revise(
    session: Session,
    response: Response,
    before: Answer | None,
    question: Question,
    *,
    value: float | None,
    text: str | None,
    refused: bool,
    language: str | None,
) -> Answer | None:
    if before is not None:
        before.current = False
        session.add(before)
        session.flush()  # before the new one: only one may be current
    if value is None and text is None and not refused:
        return None
    assert response.id is not None
    answer = Answer(
        study_id=response.study_id,
        response_id=response.id,
        question=question.name,
        value=value,
        text=text,
        refused=refused,
        wording=question.wording(language),
        answered_at=now(),
    )
    session.add(answer)
    session.flush()
    return answer
