"""Answers to questionnaires: saved one by one, each with the wording that was shown."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from db.tables import Answer, Participant, Response, now
from recux.collect.consent import Answering, require_consent
from recux.errors import Conflict
from recux.instruments import Instrument, Question, check_answer
from recux.plain_text import clean

WAVE = 1


class Given(NamedTuple):
    """An answer that counts now."""

    id: int
    question: str
    value: float | None
    text: str | None
    refused: bool
    wording: str | None
    """As it was shown."""


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
) -> Given | None:
    """Keep an answer as the current revision; the same answer again changes nothing.

    ``wave`` counts how often the instrument is asked: in a crossover study, the period of the slate that it is about.
    ``refused`` is "prefer not to say", which is kept apart from missing. Nothing at all (no value, blank text, not
    refused) takes an earlier answer back and returns None; its revisions stay in the history.
    Raises NotAllowed (no consent, withdrawn, study not open), NotFound and InvalidInput.
    """
    said = checked(instrument.question(question), value=value, text=text, refused=refused)
    person = _answering(session, participant)
    return keep_answer(session.connection(), person, instrument, said, language=language, wave=wave).get(question)


def checked(question: Question, *, value: float | None, text: str | None, refused: bool) -> Given:
    """The answer as it is to be kept, with no id yet. Raises InvalidInput when it does not answer the question."""
    text = clean(text, longest=question.max_length)
    if refused:
        return Given(0, question.name, None, None, refused=True, wording=None)
    if (value, text) != (None, None):
        check_answer(question, value, text)
    return Given(0, question.name, value, text, refused=False, wording=None)


def keep_answer(
    connection: sa.Connection,
    person: Answering,
    instrument: Instrument,
    said: Given,
    *,
    language: str | None,
    wave: int = WAVE,
) -> dict[str, Given]:
    """What a click runs: keep what was :func:`checked`, and return all answers to the instrument as they are then.

    Expects that the person was found to be ``Answering`` in this transaction, which is then the person's only writer.
    """
    response = _begun(connection, person, instrument, language=language, wave=wave)
    given = _current(connection, response)
    before = given.get(said.question)
    if before is not None and (before.value, before.text, before.refused) == (said.value, said.text, said.refused):
        return given
    if before is not None:
        connection.execute(_RETIRE, {"before": before.id})  # first: only one may be current
        del given[said.question]
    if said.value is None and said.text is None and not said.refused:
        return given
    wording = instrument.question(said.question).wording(language)
    row = {
        "study_id": person.study_id,
        "response_id": response,
        "question": said.question,
        "current": True,
        "value": said.value,
        "text": said.text,
        "refused": said.refused,
        "wording": wording,
        "answered_at": (at := now()),
        "received_at": at,
    }
    number: int = connection.execute(_INSERT, row).one().id
    return given | {said.question: said._replace(id=number, wording=wording)}


def start_response(
    session: Session, participant: Participant, instrument: Instrument, *, language: str | None, wave: int = WAVE
) -> Response:
    """The person's response to the instrument; begun now when there is none. Raises NotAllowed."""
    person = _answering(session, participant)
    return session.get_one(Response, _begun(session.connection(), person, instrument, language=language, wave=wave))


def complete_response(
    session: Session, participant: Participant, instrument: Instrument, *, language: str | None, wave: int = WAVE
) -> Response:
    """Mark the response as complete. Raises Conflict that names the questions still to be answered."""
    response = start_response(session, participant, instrument, language=language, wave=wave)
    left = unanswered(instrument, _current(session.connection(), response.id or 0))
    if left:
        raise Conflict(f"{instrument.id}: not answered yet: {', '.join(question.name for question in left)}")
    if response.completed_at is None:
        response.completed_at = now()
        session.add(response)
        session.flush()
    return response


def answers_of(session: Session, participant: Participant, instrument_id: str, *, wave: int = WAVE) -> dict[str, Given]:
    """The person's current answers to the instrument, by question."""
    asked = {"person": participant.id, "instrument": instrument_id, "wave": wave}
    response = session.connection().execute(_RESPONSE, asked).scalar()
    return _current(session.connection(), response) if response is not None else {}


def values(answers: Mapping[str, Given]) -> dict[str, float | None]:
    """The numbers among the answers, as instruments score and branch on them."""
    return {name: answer.value for name, answer in answers.items()}


def unanswered(instrument: Instrument, answers: Mapping[str, Given]) -> list[Question]:
    """Questions that still need an answer or a refusal: asked, not optional, not answered."""
    asked = instrument.asked(values(answers))
    return [question for question in asked if not question.optional and question.name not in answers]


def _answering(session: Session, participant: Participant) -> Answering:
    require_consent(session, participant)
    assert participant.id is not None  # it was locked
    return Answering(participant.id, participant.study_id, participant.external_id)


def _begun(
    connection: sa.Connection, person: Answering, instrument: Instrument, *, language: str | None, wave: int
) -> int:
    """Id of the person's response to the instrument; begun now when there is none."""
    asked = {"person": person.participant_id, "instrument": instrument.id, "wave": wave}
    response: int | None = connection.execute(_RESPONSE, asked).scalar()
    if response is not None:
        return response
    row = {
        "study_id": person.study_id,
        "participant_id": person.participant_id,
        "instrument": instrument.id,
        "version": instrument.version,
        "language": language,
        "wave": wave,
        "shown": instrument.order,
        "started_at": now(),
    }
    begun: int = connection.execute(_BEGIN, row).one().id
    return begun


def _current(connection: sa.Connection, response: int) -> dict[str, Given]:
    rows = connection.execute(_GIVEN, {"response": response})
    return {row.question: Given(*row) for row in rows}


_RESPONSE = sa.select(col(Response.id)).where(
    col(Response.participant_id) == sa.bindparam("person"),
    col(Response.instrument) == sa.bindparam("instrument"),
    col(Response.wave) == sa.bindparam("wave"),
)
_BEGIN = sa.insert(Response).returning(col(Response.id))
_GIVEN: sa.Select[*tuple[Any, ...]] = sa.select(
    col(Answer.id), col(Answer.question), col(Answer.value), col(Answer.text), col(Answer.refused), col(Answer.wording)
).where(col(Answer.response_id) == sa.bindparam("response"), sa.text("answer.current"))
_RETIRE = sa.update(Answer).where(col(Answer.id) == sa.bindparam("before")).values(current=False)
_INSERT = sa.insert(Answer).returning(col(Answer.id))
