"""What the boards of a visit save, and what is kept then. A click is a short transaction, from who it is to the row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa

from db.engine import write_connection
from recux.collect.consent import Answering
from recux.collect.marks import save_marks
from recux.collect.opinions import MARKS, NOTHING, Mark, Opinion, Place, opinions
from recux.collect.ratings import save_comment, save_stars
from recux.collect.responses import Given, checked, keep_answer
from recux.instruments import Instrument
from recux.operate import metrics
from recux.ui import identity
from recux.ui.board import Kept, Said, Saved

MARK_VALUES: dict[Mark, int] = {"know": 1, "dismiss": 2}
"""The marks of an item as the browser names them."""
Places = Mapping[str, Place]
"""Where opinions go, by what the browser calls an item: the number of its impression."""


def save_opinion(engine: sa.Engine, places: Places, said: Said) -> Kept:
    """Keep what a click said of an item; what is kept of all items then, from any device. Raises RecuxError."""
    number, part = said.name.split("/")
    place = places[number]
    with _saving("rating", engine, place.participant_id) as (connection, _person):
        if part == "marks":
            save_marks(connection, place, marks_in(said.text))
        now = opinions(connection, place.slate_id, place.participant_id)
        mine = now.get(place.item_id, NOTHING)
        if part == "stars":
            now[place.item_id] = mine._replace(stars=save_stars(connection, place, mine.stars, said.value or 0))
        elif part == "comment":
            now[place.item_id] = mine._replace(stars=save_comment(connection, place, mine.stars, said.text))
    return kept_opinions(places, now)


def save_response(
    engine: sa.Engine, participant_id: int, instrument: Instrument, said: Said, *, language: str, wave: int
) -> Kept:
    """Keep the answer to one question; what is kept of all questions then. Raises RecuxError."""
    asked = instrument.question(said.name)
    with _saving("answer", engine, participant_id) as (connection, person):
        answer = checked(asked, value=said.value, text=said.text, refused=said.refused)
        now = keep_answer(connection, person, instrument, answer, language=language, wave=wave)
    return kept_answers(instrument, now)


def kept_opinions(places: Places, said: Mapping[int, Opinion]) -> Kept:
    """What the browser is told about each item."""
    kept: dict[str, Saved | None] = {}
    for number, place in places.items():
        opinion = said.get(place.item_id, NOTHING)
        stars = opinion.stars
        now = Saved(stars.id, value=stars.rating, text=stars.comment) if stars else None
        kept[f"{number}/stars"] = kept[f"{number}/comment"] = now
        values = [MARK_VALUES[mark] for mark in MARKS if mark in opinion.marks]
        kept[f"{number}/marks"] = Saved(sum(values), text=";".join(map(str, values))) if values else None
    return kept


def kept_answers(instrument: Instrument, given: Mapping[str, Given]) -> Kept:
    """What the browser is told about each question."""
    return {
        question.name: Saved(now.id, now.value, now.text, now.refused) if (now := given.get(question.name)) else None
        for question in instrument.questions
    }


def is_settled(kept: Kept, number: str) -> bool:
    """Whether the item has stars, or is not for this person."""
    marks = kept[f"{number}/marks"]
    return kept[f"{number}/stars"] is not None or (marks is not None and "dismiss" in marks_in(marks.text))


def marks_in(text: str | None) -> set[Mark]:
    """The marks that the browser's text names; whatever else it holds was not offered."""
    chosen = (text or "").split(";")
    return {mark for mark in MARKS if str(MARK_VALUES[mark]) in chosen}


@contextmanager
def _saving(kind: str, engine: sa.Engine, participant_id: int) -> Iterator[tuple[sa.Connection, Answering]]:
    """A transaction in which this page's person may answer, and nobody else writes for them."""
    with metrics.saving(kind, participant_id), write_connection(engine) as connection:
        yield connection, identity.require_answering(connection, participant_id)
