"""The two boards of a visit: rating the items of a slate, and filling in a questionnaire."""

from collections.abc import Mapping

import sqlalchemy as sa

from db.engine import read_session, write_session
from db.tables import Answer, Impression, Participant, Rating
from recux.collect.consent import lock
from recux.collect.progress import Step, survey_step
from recux.collect.ratings import rating_of, save_rating
from recux.collect.responses import answers_of, save_answer, start_response
from recux.collect.slates import ShownSlate, current_slate
from recux.collect.words import LONGEST
from recux.errors import InvalidInput
from recux.instruments import Instrument, Question, in_language, load
from recux.ui import board, data
from recux.ui.board import Said, Saved, Section
from recux.ui.cards import card_of
from recux.ui.language import _, language
from recux.ui.visit import Visit


def rate(visit: Visit, shown: ShownSlate) -> Step:
    """Show the slate with stars and a comment for each item, and save what is given; how far it is now."""
    engine, person = data.engine(), visit.participant_id
    kept = board.show(
        f"slate-{shown.slate.id}",
        [_item(card.impression, card_of(card.item, card.impression)) for card in shown.cards],
        _ratings(shown),
        read=lambda: _read_ratings(engine, visit.participant, shown),
        save=lambda said: _save_rating(engine, person, said),
    )
    rated = sum(kept[f"{card.impression.id}/stars"] is not None for card in shown.cards)
    return Step("rate", rated, len(shown.cards), rated == len(shown.cards))


def fill_in(visit: Visit, instrument: Instrument) -> Step:
    """Show the questionnaire and save each answer when it is given; how far it is now."""
    engine, person, spoken = data.engine(), visit.participant_id, language()
    kept = board.show(
        f"instrument-{instrument.id}-{person}",
        [Section(question.name, [drawn(question, spoken)]) for question in instrument.questions],
        _answers(engine, visit.participant, instrument),
        read=lambda: _answers(engine, visit.participant, instrument),
        save=lambda said: _save_answer(engine, person, instrument, said, spoken),
    )
    return survey_step(instrument, {name: one.value for name, one in kept.items() if one}, complete=False)


def begin_next(visit: Visit) -> None:
    """Note that the person went on from the slate, rated or not, so that nobody sends them back to it."""
    following = next((step for step in visit.way if step.name == "survey"), None)
    if following is not None:
        with write_session(data.engine()) as session:
            participant = session.get_one(Participant, visit.participant_id)
            start_response(session, participant, load(following.instrument), language=language())


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
    stars = board.stars(f"{name}/stars", _("Your rating"), about=card.title)
    comment = board.text(
        f"{name}/comment",
        _("What makes you say so? (optional)"),
        about=card.title,
        longest=LONGEST,
        when={"question": stars.name, "at_least": 1},
    )
    return Section(name, [stars, comment], card)


def _read_ratings(engine: sa.Engine, participant: Participant, shown: ShownSlate) -> Mapping[str, Saved | None]:
    with read_session(engine) as session:
        return _ratings(current_slate(session, participant) or shown)


def _ratings(shown: ShownSlate) -> Mapping[str, Saved | None]:
    kept: dict[str, Saved | None] = {}
    for card in shown.cards:
        kept[f"{card.impression.id}/stars"] = _as_saved(card.rating)
        kept[f"{card.impression.id}/comment"] = _as_saved(card.rating)
    return kept


def _as_saved(rating: Rating | None) -> Saved | None:
    if rating is None or rating.id is None:
        return None
    return Saved(rating.id, value=rating.rating, text=rating.comment)


def _save_rating(engine: sa.Engine, participant_id: int, said: Said) -> None:
    impression_id, part = said.name.split("/")
    with write_session(engine) as session:
        participant = session.get_one(Participant, participant_id)
        impression = session.get_one(Impression, int(impression_id))
        lock(session, participant)  # the stars and the comment of one rating may come from two tabs at once
        before = rating_of(session, participant, impression)
        stars, comment = (before.rating, before.comment) if before else (None, None)
        if part == "stars":
            stars = said.value
        else:
            comment = said.text
        if stars is None:
            raise InvalidInput("a comment needs stars first")  # the page asks in that order
        save_rating(session, participant, impression, rating=stars, comment=comment)


def _answers(engine: sa.Engine, participant: Participant, instrument: Instrument) -> Mapping[str, Saved | None]:
    with read_session(engine) as session:
        given_ = answers_of(session, participant, instrument.id)
    return {question.name: _of_answer(given_.get(question.name)) for question in instrument.questions}


def _of_answer(answer: Answer | None) -> Saved | None:
    if answer is None or answer.id is None:
        return None
    return Saved(answer.id, answer.value, answer.text, answer.refused)


def _save_answer(engine: sa.Engine, participant_id: int, instrument: Instrument, said: Said, spoken: str) -> None:
    with write_session(engine) as session:
        participant = session.get_one(Participant, participant_id)
        save_answer(
            session,
            participant,
            instrument,
            said.name,
            value=said.value,
            text=said.text,
            refused=said.refused,
            language=spoken,
        )
