"""What a person answered, in the words that they were asked: to be read back at the end."""

from typing import NamedTuple

from sqlmodel import Session

from db.tables import Participant
from recux.collect.opinions import Mark
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
    stars: int | None = None
    """Of how many stars ``value`` is; None where it is no number of stars."""
    scale: tuple[int, int] | None = None
    """The lowest and the highest number that ``value`` could have been; None where it is none."""
    marks: frozenset[Mark] = frozenset()
    """What was said of an item beside its stars."""
    period: int = 0
    """Which list it is about, from 1, where the same is asked about each; 0 where it is asked once."""


def ratings(shown: Shown) -> list[Said]:
    """What the person said of items, list by list, in the order in which the items were shown."""
    cards = [card for slate in shown.values() if slate is not None for card in slate.cards]
    return [
        Said(card.item.title, f"{stars.rating:g}", stars.comment or "", stars=5, marks=card.marks)
        if (stars := card.rating) is not None
        else Said(card.item.title, "", "", marks=card.marks)
        for card in cards
        if card.rating is not None or card.marks
    ]


def answers(session: Session, participant: Participant, way: list[Step], language: str) -> list[Said]:
    """The person's answers to the questionnaires, in the order in which they were asked."""
    found: list[Said] = []
    surveys = [step for step in way if step.name == "survey"]
    again = {step.instrument for step in surveys if step.period > 1}
    for step in surveys:
        instrument = instrument_of(session, participant.study_id, step.instrument)
        given = answers_of(session, participant, instrument.id, wave=step.period)
        said = [_said(instrument, answer, language) for name in _order(instrument) if (answer := given.get(name))]
        found += [one._replace(period=step.period if step.instrument in again else 0) for one in said]
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
    if question.kind == "stars":
        return Said(asked, value, "", stars=question.bounds[1])
    if question.low is not None:
        return Said(asked, value, "", scale=question.bounds)
    named = _options(question, [value], language)
    return Said(asked, named[0] if named else value, answer.text or "")


def _options(question: Question, values: list[str], language: str) -> list[str]:
    return [in_language(option.text, language) for option in question.options if f"{option.value:g}" in values]
