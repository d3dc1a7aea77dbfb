"""Which part of a study a page is about: an arm, a cohort, a category of items, a language; with or without flags.

Rows are read once, carry all of these, and are kept, so that the same rows can be filtered, and split, by any of them.
"""

from typing import Any, Literal, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Item, Participant, Study
from recux.evaluation import data_quality, rows
from recux.evaluation.scope import live
from recux.evaluation.texts import comments, timings
from recux.insight.kept import kept
from recux.insight.rounds import batch_numbers
from recux.instruments import Instruments
from recux.questionnaires import instruments_of

Dimension = Literal["arm", "cohort", "category", "language"]
DIMENSIONS: tuple[Dimension, ...] = ("arm", "cohort", "category", "language")


class Cut(NamedTuple):
    """A part of a study; empty text means all of it."""

    arm: str = ""
    cohort: str = ""
    category: str = ""
    language: str = ""
    careful: bool = False
    """Without the answers that were flagged."""

    @property
    def chosen(self) -> dict[Dimension, str]:
        """What is filtered by."""
        return {name: getattr(self, name) for name in DIMENSIONS if getattr(self, name)}

    @property
    def is_all(self) -> bool:
        """Whether it is the whole study."""
        return not self.chosen and not self.careful


class Said(NamedTuple):
    """Ratings and answers, each with ``arm``, ``cohort``, ``category``, ``language`` (as categories), ``person`` (the
    pseudonym) and ``batch`` (its number; missing: in none yet).

    Questionnaires are about no category: a cut by category has no answers, and theirs is empty.
    """

    ratings: pd.DataFrame
    answers: pd.DataFrame
    instruments: Instruments
    """The study's, as it was launched with them."""

    def where(self, dimension: Dimension, value: str) -> "Said":
        """The rows of one arm, cohort, category or language."""
        ratings, answers = (table[table[dimension] == value] for table in (self.ratings, self.answers))
        return self._replace(ratings=ratings, answers=answers)


def choices(session: Session, study: Study) -> dict[Dimension, list[str]]:
    """The cohorts, categories and languages that a study's people and items have, by name."""
    person = col(Participant.study_id) == study.id
    asked = {
        "cohort": sa.select(col(Participant.cohort)).where(person, counts()).distinct(),
        "category": sa.select(col(Item.category)).where(col(Item.study_id) == study.id).distinct(),
        "language": sa.select(col(Participant.language)).where(person, counts()).distinct(),
    }
    found: dict[Dimension, list[str]] = {}
    for name, statement in asked.items():
        values = session.connection().execute(statement).scalars()
        found[name] = sorted(str(value) for value in values if value)  # type: ignore[index]
    return found


def read(session: Session, study: Study, cut: Cut) -> Said:
    """Everything that counts now in a cut; of a large study perhaps as of some seconds ago (see ``kept``)."""
    said = kept(session, study, whole).value
    if cut.careful:
        flagged = kept(session, study, careless).value
        ratings, answers = (data_quality.without(table, flagged) for table in (said.ratings, said.answers))
        said = said._replace(ratings=ratings, answers=answers)
    for name, value in cut.chosen.items():
        said = said.where(name, value)
    return said


def whole(session: Session, study: Study) -> Said:
    """Everything that counts at this moment."""
    scope = live(study)
    ratings, answers = rows.ratings(session, scope), rows.answers(session, scope)
    people, items = _people(session, study), _categories(session, study)
    ratings = _with_people(ratings, people).assign(category=ratings["item"].map(items).fillna("").astype("str"))
    answers = _with_people(answers, people).assign(category="")
    return Said(
        _labelled(ratings, batch_numbers(session, study, "rating", ratings["id"])),
        _labelled(answers, batch_numbers(session, study, "answer", answers["id"])),
        instruments_of(session, study),
    )


def careless(session: Session, study: Study) -> pd.DataFrame:
    """``participant`` and ``reason``: who answered without care, by the rules of data quality."""
    said, scope = kept(session, study, whole).value, live(study)
    texts = comments(session, scope), timings(session, scope)
    return data_quality.flags(said.ratings, said.answers, *texts, instruments=said.instruments)


def _labelled(table: pd.DataFrame, batches: "pd.Series[int]") -> pd.DataFrame:
    """With the number of each row's batch; what is filtered and split by as categories, which is quick."""
    return table.astype(dict.fromkeys(DIMENSIONS, "category")).assign(batch=batches)


def _with_people(table: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    known = {name: table["participant"].map(people[name]).fillna("") for name in ("cohort", "language", "person")}
    return table.assign(**known)


def _people(session: Session, study: Study) -> pd.DataFrame:
    statement = sa.select(
        col(Participant.id),
        sa.func.coalesce(col(Participant.cohort), ""),
        sa.func.coalesce(col(Participant.language), ""),
        col(Participant.external_id),
    ).where(col(Participant.study_id) == study.id, counts())
    found: list[Any] = list(session.connection().execute(statement).all())
    return pd.DataFrame(found, columns=["id", "cohort", "language", "person"]).set_index("id")


def _categories(session: Session, study: Study) -> dict[int, str]:
    statement = sa.select(col(Item.id), sa.func.coalesce(col(Item.category), "")).where(col(Item.study_id) == study.id)
    return {int(row[0] or 0): str(row[1]) for row in session.connection().execute(statement)}
