"""Where a person stands. Read from what they gave, never remembered elsewhere, so that any device can go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session, select

from db.tables import Participant, Response, Study, now
from recux.collect.consent import decision_of
from recux.collect.responses import WAVE, answers_of, values
from recux.collect.slates import ShownSlate, current_slate
from recux.instruments import Instrument, load

StepName = Literal["consent", "rate", "survey", "thanks"]


@dataclass(frozen=True)
class Step:
    """One step of the way and how much of it is done."""

    name: StepName
    done: int
    """Things answered: items rated, questions answered or refused."""
    total: int
    """Things to answer; optional questions do not count."""
    complete: bool
    instrument: str = ""
    """Id of the questionnaire, for the step ``survey``."""


def steps(session: Session, participant: Participant) -> list[Step]:
    """All steps of the person's study, in order: consent, rate, one survey per instrument, thanks."""
    return steps_with(session, participant, current_slate(session, participant))


def steps_with(session: Session, participant: Participant, shown: ShownSlate | None) -> list[Step]:
    """The same, for a caller that has the person's slate already."""
    study = session.get_one(Study, participant.study_id)
    begun = _begun(session, participant)
    agreed = bool(decision_of(session, participant))
    surveys = [_survey(session, participant, load(name), begun) for name in study.instruments]
    before = [
        Step("consent", int(agreed), 1, agreed),
        _rate(shown, study, moved_on=bool(begun)),
        *surveys,
    ]
    return [*before, Step("thanks", 0, 0, all(step.complete for step in before))]


def next_step(session: Session, participant: Participant) -> Step:
    """The first step that is not complete; ``thanks`` when all are."""
    way = steps(session, participant)
    return next((step for step in way if not step.complete), way[-1])


def share_done(way: list[Step]) -> float:
    """How much of the whole way is done, 0 to 1, each item and each question counting alike."""
    total = sum(step.total for step in way)
    done = sum(step.total if step.complete else step.done for step in way)
    return done / total if total else 1.0


def finish(session: Session, participant: Participant) -> None:
    """Note when the person came to the end; later visits change nothing."""
    if participant.finished_at is None and next_step(session, participant).name == "thanks":
        participant.finished_at = now()
        session.add(participant)
        session.flush()


def survey_step(instrument: Instrument, answers: Mapping[str, float | None], *, complete: bool) -> Step:
    """How far a questionnaire is, from its answers by question (None for one that was refused or has no number)."""
    asked = [question.name for question in instrument.asked(answers) if not question.optional]
    done = sum(name in answers for name in asked)
    return Step("survey", done, len(asked), complete and done == len(asked), instrument.id)


def _rate(shown: ShownSlate | None, study: Study, *, moved_on: bool) -> Step:
    """Complete when everything is rated, or when the person went on to the questions without rating the rest."""
    if shown is None:
        return Step("rate", 0, study.slate_size, complete=False)
    total = len(shown.cards)
    return Step("rate", shown.rated, total, complete=moved_on or shown.rated == total)


def _survey(session: Session, participant: Participant, instrument: Instrument, begun: dict[str, Response]) -> Step:
    response = begun.get(instrument.id)
    answers = answers_of(session, participant, instrument.id) if response else {}
    return survey_step(instrument, values(answers), complete=bool(response and response.completed_at))


def _begun(session: Session, participant: Participant) -> dict[str, Response]:
    own = select(Response).where(Response.participant_id == participant.id, Response.wave == WAVE)
    return {response.instrument: response for response in session.exec(own)}
