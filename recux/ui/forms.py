"""The two boards of a visit: rating the items of a slate, and filling in a questionnaire."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from db.engine import read_session
from db.tables import Impression
from recux.collect.progress import Step, survey_step
from recux.collect.responses import answers_of
from recux.collect.slates import ShownSlate, places
from recux.instruments import Instrument, Question, in_language
from recux.plain_text import LONGEST
from recux.questionnaires import instrument_of
from recux.ui import board, data
from recux.ui.board import Book, Kept, Reached, Section
from recux.ui.cards import card_of
from recux.ui.language import _, language
from recux.ui.plain import plain
from recux.ui.saving import (
    MARK_VALUES,
    is_settled,
    kept_answers,
    kept_opinions,
    save_opinion,
    save_response,
)
from recux.ui.visit import Visit, how_far, is_asked

MISSING = "_missing"
"""Key of the step whose page says that answers are missing."""


def rate(visit: Visit, shown: ShownSlate, head: DeltaGenerator) -> Step:
    """Show the slate with stars and a comment for each item, and save what is given; how far it is now.

    The progress stands in the container ``head``.
    """
    engine = data.engine()
    mine = {str(number): place for number, place in places(shown, visit.participant).items()}

    def step(kept: Kept) -> Step:
        return replace(visit.here, done=sum(is_settled(kept, number) for number in mine), total=len(mine))

    book = Book(
        kept_opinions(mine, {card.item.id or 0: card.opinion for card in shown.cards}),
        save=lambda said: save_opinion(engine, mine, said),
        progress=_Progress(visit, step),
    )
    sections = [_item(card.impression, card_of(card.item, card.impression)) for card in shown.cards]
    return step(board.show(f"slate-{shown.slate.id}", sections, book, place=head))


def fill_in(visit: Visit, instrument: Instrument, head: DeltaGenerator) -> Step:
    """Show the questionnaire and save each answer when it is given; how far it is now.

    The progress stands in the container ``head``.
    """
    engine, person, spoken, wave = data.engine(), visit.participant_id, language(), visit.here.period

    def step(kept: Kept) -> Step:
        answers = {name: one.value for name, one in kept.items() if one}
        return survey_step(instrument, answers, complete=False, period=wave)

    with read_session(engine) as session:
        given = answers_of(session, visit.participant, instrument.id, wave=wave)
    book = Book(
        kept_answers(instrument, given),
        save=lambda said: save_response(engine, person, instrument, said, language=spoken, wave=wave),
        progress=_Progress(visit, step),
    )
    sections = [Section(question.name, [drawn(question, spoken)]) for question in instrument.questions]
    key = f"instrument-{instrument.id}-{person}" + (f"-{wave}" if wave > 1 else "")
    marked = st.session_state.get(MISSING) == visit.here.key
    return step(board.show(key, sections, book, place=head, marked=marked))


def title_of(visit: Visit, step: Step) -> str:
    """What a step with answers is called: its questionnaire's title, and which list it is about."""
    which = _("List {n} of {count}").format(n=step.period, count=visit.lists)
    if step.name == "survey":
        with read_session(data.engine()) as session:
            titles = instrument_of(session, visit.participant.study_id, step.instrument).title
        title = plain(in_language(titles, language()))
        return f"{title} ({which})" if step.instrument in visit.study.per_list and visit.lists > 1 else title
    return which if visit.lists > 1 else _("My ratings")


@dataclass
class _Progress:
    """How far the person is. The rest of the page is drawn anew only where it says that answers are missing.

    Streamlit sends a click on a button together with an answer given in the same moment, as a run of the answer's
    fragment; the page has to be drawn for such a click too.
    """

    visit: Visit
    step: Callable[[Kept], Step]
    was_done: bool | None = None

    def __call__(self, kept: Kept) -> Reached:
        now = self.step(kept)
        before, self.was_done = self.was_done, now.done == now.total
        changed = before is not None and before != self.was_done
        again = is_asked() or (changed and st.session_state.get(MISSING) == now.key)
        return Reached(*how_far(self.visit, now), again)


def drawn(question: Question, spoken: str) -> board.Question:
    """A questionnaire's question, as the browser draws it."""
    wording, when = question.wording(spoken), question.ask_if.model_dump(exclude_none=True) if question.ask_if else None
    more = {"refusal": None if question.optional else board.refusal(), "when": when}
    if question.kind == "text":
        return board.text(question.name, wording, longest=question.max_length, **more)
    if question.kind in {"single", "multiple"}:
        options = [(option.value, in_language(option.text, spoken)) for option in question.options]
        return board.choices(question.name, wording, options, many=question.kind == "multiple", **more)
    low, high = question.bounds
    if question.kind == "stars":
        return board.stars(question.name, wording, high=high, **more)
    draw = board.slider if question.kind == "slider" else board.scale
    return draw(question.name, wording, low, high, question.end_labels(spoken), **more)


def _item(impression: Impression, card: board.Card) -> Section:
    name = str(impression.id)
    marks = [(MARK_VALUES["know"], _("I know it already")), (MARK_VALUES["dismiss"], _("Not for me"))]
    stars = board.stars(f"{name}/stars", _("Your rating"), about=card.title)
    comment = board.text(
        f"{name}/comment",
        _("What makes you say so? (optional)"),
        about=card.title,
        longest=LONGEST,
        when={"question": stars.name, "at_least": 1},
    )
    more = board.chips(f"{name}/marks", _("About this item"), marks, about=card.title)
    return Section(name, [stars, more, comment], card)
