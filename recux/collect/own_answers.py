"""What a person answered, in the words that they were asked: to be read back at the end."""

from typing import NamedTuple

from sqlmodel import Session

from db.tables import Participant
from recux.collect.progress import Shown, Step
from recux.collect.responses import Given, answers_of
from recux.instruments import Instrument, Question, in_language
from recux.questionnaires import instrument_of


class Said(NamedTuple):
    """One thing that was asked, and what the person said."""

    asked: str
    """An item's title, or a question's wording."""
    value: str
    """A number or the options chosen; empty when there is none."""
    text: str
    """A comment or a free answer; empty when there is none."""
    refused: bool = False


def ratings(shown: Shown) -> list[Said]:
    """The person's stars and comments, list by list, in the order in which the items were shown."""
    return [
        Said(card.item.title, f"{card.rating.rating:g}", card.rating.comment or "")
        for slate in shown.values()
        if slate is not None
        for card in slate.cards
        if card.rating is not None
    ]


def answers(session: Session, participant: Participant, way: list[Step], language: str) -> list[Said]:
    """The person's answers to the questionnaires, in the order in which they were asked."""
    found: list[Said] = []
    for step in way:
        if step.name == "survey":
            instrument = instrument_of(session, participant.study_id, step.instrument)
            given = answers_of(session, participant, instrument.id, wave=step.period)
            found += [_said(instrument, answer, language) for name in _order(instrument) if (answer := given.get(name))]
    return found


def _order(instrument: Instrument) -> list[str]:
    return [question.name for question in instrument.questions]


def _said(instrument: Instrument, answer: Given, language: str) -> Said:
    question = instrument.question(answer.question)
    asked = answer.wording or question.wording(language)
    if answer.refused:
        return Said(asked, "", "", refused=True)
    if question.kind == "multiple":
        return Said(asked, ", ".join(_options(question, (answer.text or "").split(";"), language)), "")
    value = "" if answer.value is None else f"{answer.value:g}"
    named = _options(question, [value], language)
    return Said(asked, named[0] if named else value, answer.text or "")


def _options(question: Question, values: list[str], language: str) -> list[str]:
    return [in_language(option.text, language) for option in question.options if f"{option.value:g}" in values]
