"""The two boards of a visit: rating the items of a slate, and filling in a questionnaire."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa
from streamlit.delta_generator import DeltaGenerator

from db.engine import read_session, write_session
from db.tables import Answer, Impression, Rating
from recux.collect.marks import MARKS, Mark, set_marks
from recux.collect.progress import Step, survey_step
from recux.collect.ratings import save_comment, save_stars
from recux.collect.responses import answers_of, save_answer
from recux.collect.slates import ShownSlate, look_again
from recux.collect.words import LONGEST
from recux.instruments import Instrument, Question, in_language
from recux.operate import metrics
from recux.questionnaires import instrument_of
from recux.ui import board, data, identity
from recux.ui.board import Book, Kept, Said, Saved, Section
from recux.ui.cards import card_of
from recux.ui.language import _, language
from recux.ui.plain import plain
from recux.ui.visit import Visit, is_asked, progress

MARK_VALUES: dict[Mark, int] = {"know": 1, "dismiss": 2}
"""The marks of an item as the browser names them."""


def rate(visit: Visit, shown: ShownSlate, head: DeltaGenerator) -> Step:
    """Show the slate with stars and a comment for each item, and save what is given; how far it is now.

    The progress stands in the container ``head``.
    """
    engine, person = data.engine(), visit.participant_id

    def step(kept: Kept) -> Step:
        settled = sum(_is_settled(kept, card.impression) for card in shown.cards)
        return replace(visit.here, done=settled, total=len(shown.cards))

    book = Book(
        _ratings(shown),
        read=lambda: _read_ratings(engine, shown),
        save=lambda said: _save_rating(engine, person, said),
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

    book = Book(
        _answers(engine, visit, instrument),
        read=lambda: _answers(engine, visit, instrument),
        save=lambda said: _save_answer(engine, person, instrument, said, spoken=spoken, wave=wave),
        progress=_Progress(visit, step),
    )
    sections = [Section(question.name, [drawn(question, spoken)]) for question in instrument.questions]
    key = f"instrument-{instrument.id}-{person}" + (f"-{wave}" if wave > 1 else "")
    return step(board.show(key, sections, book, place=head))


def title_of(visit: Visit, step: Step) -> str:
    """What a step with answers is called: its questionnaire's title, or which list it is about."""
    if step.name == "survey":
        with read_session(data.engine()) as session:
            titles = instrument_of(session, visit.participant.study_id, step.instrument).title
        return plain(in_language(titles, language()))
    return _("List {n} of {count}").format(n=step.period, count=visit.lists) if visit.lists > 1 else _("My ratings")


@dataclass
class _Progress:
    """Shows the progress; the rest of the page depends only on whether the step is done.

    Streamlit sends a click on a button together with an answer given in the same moment, as a run of the answer's
    fragment; the page has to be drawn for such a click too.
    """

    visit: Visit
    step: Callable[[Kept], Step]
    was_done: bool | None = None

    def __call__(self, kept: Kept) -> bool:
        now = self.step(kept)
        progress(self.visit, now)
        before, self.was_done = self.was_done, now.done == now.total
        return is_asked() or (before is not None and before != self.was_done)


def drawn(question: Question, spoken: str) -> board.Question:
    """A questionnaire's question, as the browser draws it."""
    wording, when = question.wording(spoken), question.ask_if.model_dump(exclude_none=True) if question.ask_if else None
    if question.kind == "text":
        return board.text(question.name, wording, longest=question.max_length, when=when)
    more = {"refusal": None if question.optional else board.refusal(), "when": when}
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


def _is_settled(kept: Kept, impression: Impression) -> bool:
    """Whether the item has stars, or is not for this person."""
    marks = kept[f"{impression.id}/marks"]
    return kept[f"{impression.id}/stars"] is not None or (marks is not None and "dismiss" in _marks_in(marks.text))


def _marks_in(text: str | None) -> set[Mark]:
    chosen = (text or "").split(";")
    return {mark for mark in MARKS if str(MARK_VALUES[mark]) in chosen}


def _read_ratings(engine: sa.Engine, shown: ShownSlate) -> Kept:
    with read_session(engine) as session:
        return _ratings(look_again(session, shown))


def _ratings(shown: ShownSlate) -> Kept:
    kept: dict[str, Saved | None] = {}
    for card in shown.cards:
        kept[f"{card.impression.id}/stars"] = _as_saved(card.rating)
        kept[f"{card.impression.id}/comment"] = _as_saved(card.rating)
        values = [MARK_VALUES[mark] for mark in MARKS if mark in card.marks]
        kept[f"{card.impression.id}/marks"] = Saved(sum(values), text=";".join(map(str, values))) if values else None
    return kept


def _as_saved(rating: Rating | None) -> Saved | None:
    if rating is None or rating.id is None:
        return None
    return Saved(rating.id, value=rating.rating, text=rating.comment)


def _save_rating(engine: sa.Engine, participant_id: int, said: Said) -> None:
    number, part = said.name.split("/")
    with metrics.saving("rating", participant_id), write_session(engine) as session:
        participant = identity.same_participant(session, participant_id)
        if part == "marks":
            set_marks(session, participant, session.get_one(Impression, int(number)), _marks_in(said.text))
        elif part == "comment":
            save_comment(session, participant, int(number), said.text)
        else:
            save_stars(session, participant, int(number), said.value or 0)


def _answers(engine: sa.Engine, visit: Visit, instrument: Instrument) -> Kept:
    with read_session(engine) as session:
        given_ = answers_of(session, visit.participant, instrument.id, wave=visit.here.period)
    return {question.name: _of_answer(given_.get(question.name)) for question in instrument.questions}


def _of_answer(answer: Answer | None) -> Saved | None:
    if answer is None or answer.id is None:
        return None
    return Saved(answer.id, answer.value, answer.text, answer.refused)


def _save_answer(
    engine: sa.Engine, participant_id: int, instrument: Instrument, said: Said, *, spoken: str, wave: int
) -> None:
    with metrics.saving("answer", participant_id), write_session(engine) as session:
        participant = identity.same_participant(session, participant_id)
        save_answer(
            session,
            participant,
            instrument,
            said.name,
            value=said.value,
            text=said.text,
            refused=said.refused,
            language=spoken,
            wave=wave,
        )
