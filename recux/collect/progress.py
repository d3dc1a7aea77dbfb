"""Where a person stands. Read from what they gave, never remembered elsewhere, so that any device can go on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session, select

from db.tables import Participant, Response, Study, now
from recux.collect.consent import decision_of, require_consent
from recux.collect.responses import answers_of, values
from recux.collect.slates import ShownSlate, current_slate
from recux.errors import InvalidInput
from recux.instruments import Instrument
from recux.questionnaires import instrument_of

StepName = Literal["consent", "preferences", "rate", "survey", "thanks"]
SINGLE: dict[str, StepName] = {"consent": "consent", "preferences": "preferences", "thanks": "thanks"}
Shown = Mapping[int, ShownSlate | None]
"""The slates that the person has, by period."""


@dataclass(frozen=True)
class Step:
    """One step of the way and how much of it is done."""

    name: StepName
    done: int
    """Things answered: items settled, questions answered or refused."""
    total: int
    """Things to answer; optional questions do not count."""
    complete: bool
    instrument: str = ""
    """Id of the questionnaire, for the step ``survey``."""
    period: int = 1
    """Which slate it is about: 1, or 2 for the second one of a crossover study. For a survey, its wave."""

    @property
    def key(self) -> str:
        """What tells this step from the study's other steps."""
        return "/".join(part for part in (self.name, self.instrument, str(self.period)) if part)


@dataclass(frozen=True)
class Place:
    """A step before anybody has come to it."""

    name: StepName
    instrument: str = ""
    period: int = 1


def plan(study: Study) -> list[Place]:
    """The study's steps in order, with the slate of a crossover study and what is asked per list spelt out."""
    named = {*study.steps, *study.per_list}
    left = [Place("survey", name) for name in study.instruments if name not in named]
    found: list[Place] = []
    for step in study.steps:
        if step == "slate":
            found += _lists(study)
        elif step == "questionnaires":
            found += left
        elif step in SINGLE:
            found.append(Place(SINGLE[step]))
        else:
            found.append(Place("survey", step))
    return found


def periods(study: Study) -> range:
    """The numbers of the slates that a person sees."""
    return range(1, 3 if study.design == "crossover" else 2)


def steps(session: Session, participant: Participant) -> list[Step]:
    """All steps of the person's study, in order."""
    return steps_with(session, participant, shown_slates(session, participant))


def shown_slates(session: Session, participant: Participant) -> dict[int, ShownSlate | None]:
    """The slates that the pages showed to the person so far, by period."""
    study = session.get_one(Study, participant.study_id)
    return {period: current_slate(session, participant, period=period) for period in periods(study)}


def steps_with(session: Session, participant: Participant, shown: Shown) -> list[Step]:
    """The same, for a caller that has the person's slates already."""
    study = session.get_one(Study, participant.study_id)
    begun = _begun(session, participant)
    places = plan(study)
    last = max((n for n, one in enumerate(places) if (one.instrument, one.period) in begun), default=-1)
    way: list[Step] = []
    for number, place in enumerate(places):
        if place.name == "consent":
            agreed = bool(decision_of(session, participant))
            way.append(Step("consent", int(agreed), 1, agreed))
        elif place.name == "survey":
            way.append(_survey(session, participant, place, begun.get((place.instrument, place.period))))
        elif place.name == "thanks":
            way.append(Step("thanks", 0, 0, all(step.complete for step in way)))
        else:
            step = _preferences() if place.name == "preferences" else _rate(shown.get(place.period), study, place)
            moved_on = number < last or step.key in participant.passed
            way.append(Step(step.name, step.done, step.total, step.complete or moved_on, period=place.period))
    return way


def next_step(session: Session, participant: Participant) -> Step:
    """The first step that is not complete; ``thanks`` when all are."""
    way = steps(session, participant)
    return next((step for step in way if not step.complete), way[-1])


def share_done(way: list[Step]) -> float:
    """How much of the whole way is done, 0 to 1, each item and each question counting alike."""
    total = sum(step.total for step in way)
    done = sum(step.total if step.complete else step.done for step in way)
    return done / total if total else 1.0


def go_past(session: Session, participant: Participant, step: Step) -> None:
    """Note that the person went on from a step that may stay incomplete, so that nobody sends them back to it.

    Raises NotAllowed without consent, InvalidInput for a step that must be completed.
    """
    if step.name not in {"preferences", "rate"}:
        raise InvalidInput(f"the step {step.key} cannot be left out")
    require_consent(session, participant)
    if step.key not in participant.passed:
        participant.passed = [*participant.passed, step.key]
        session.add(participant)
        session.flush()


def finish(session: Session, participant: Participant) -> None:
    """Note when the person came to the end; later visits change nothing."""
    if participant.finished_at is None and next_step(session, participant).name == "thanks":
        participant.finished_at = now()
        session.add(participant)
        session.flush()


def survey_step(
    instrument: Instrument, answers: Mapping[str, float | None], *, complete: bool, period: int = 1
) -> Step:
    """How far a questionnaire is, from its answers by question (None for one that was refused or has no number)."""
    asked = [question.name for question in instrument.asked(answers) if not question.optional]
    done = sum(name in answers for name in asked)
    return Step("survey", done, len(asked), complete and done == len(asked), instrument.id, period)


def _lists(study: Study) -> Iterator[Place]:
    for period in periods(study):
        yield Place("rate", period=period)
        yield from (Place("survey", name, period) for name in study.per_list)


def _preferences() -> Step:
    """Picking nothing is fine, so only going on completes it."""
    return Step("preferences", 0, 0, complete=False)


def _rate(shown: ShownSlate | None, study: Study, place: Place) -> Step:
    """Complete when every item is settled, or when the person went on without that."""
    if shown is None:
        return Step("rate", 0, study.slate_size, complete=False, period=place.period)
    total = len(shown.cards)
    return Step("rate", shown.settled, total, complete=shown.settled == total, period=place.period)


def _survey(session: Session, participant: Participant, place: Place, response: Response | None) -> Step:
    answers = answers_of(session, participant, place.instrument, wave=place.period) if response else {}
    complete = bool(response and response.completed_at)
    instrument = instrument_of(session, participant.study_id, place.instrument)
    return survey_step(instrument, values(answers), complete=complete, period=place.period)


def _begun(session: Session, participant: Participant) -> dict[tuple[str, int], Response]:
    own = select(Response).where(Response.participant_id == participant.id)
    return {(response.instrument, response.wave): response for response in session.exec(own)}
