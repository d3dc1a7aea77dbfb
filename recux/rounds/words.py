"""People and items in words, as they were known at a moment."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Item, Participant, Study
from recux.learn.examples import Pair
from recux.learn.templates import PastRating, item_text, participant_text

TEXT_HISTORY = 50
"""Most recent ratings that a participant's text may draw on."""
NUMBER_HISTORY = 100
"""Most recent ratings handed to the baselines as numbers."""


@dataclass
class History:
    """One person's ratings in time order."""

    moments: list[datetime] = field(default_factory=list)
    past: list[PastRating] = field(default_factory=list)

    def before(self, moment: datetime | None) -> list[PastRating]:
        """What was rated strictly before ``moment`` (None: everything), newest first, without its times."""
        end = len(self.past) if moment is None else bisect_left(self.moments, moment)
        return self.past[:end][::-1]


@dataclass(frozen=True)
class Words:
    """The texts of one study: people at a moment, and items."""

    study: Study
    people: dict[int, Any]
    items: dict[int, Any]
    histories: dict[int, History]

    def pair(self, participant: int, item: int, moment: datetime | None, position: int | None = None) -> Pair:
        """A participant and an item as they were known at ``moment``."""
        person, thing = self.people[participant], self.items[item]
        known = self.histories[participant].before(moment)
        language = person.language or self.study.languages[0]
        return Pair(
            participant=person.external_id,
            item=thing.external_id,
            participant_text=participant_text(
                language=language, cohort=person.cohort, interests=person.interests, history=known[:TEXT_HISTORY]
            ),
            item_text=item_text(
                language=language,
                title=thing.title,
                category=thing.category,
                tags=thing.tags,
                description=thing.description,
                price=thing.price,
            ),
            earlier=tuple(past.rating for past in reversed(known[:NUMBER_HISTORY])),
            position=position,
        )


def words_of(session: Session, study: Study, ratings: Sequence[Any]) -> Words:
    """The study's people, items and rating histories, read once."""
    people = rows_of(session, sa.select(Participant).where(of_study(Participant, study), counts()))
    items = {row.id: row for row in rows_of(session, sa.select(Item).where(of_study(Item, study)))}
    histories: dict[int, History] = defaultdict(History)
    for row in ratings:  # in time order
        history, item = histories[row.participant_id], items[row.item_id]
        history.moments.append(row.moment)
        history.past.append(PastRating(item.title, item.category, row.rating, None))
    return Words(study, {row.id: row for row in people}, items, histories)


def of_study(table: Any, study: Study) -> sa.ColumnElement[bool]:
    """The condition that a row belongs to the study."""
    return col(table.study_id) == study.id


def rows_of(session: Session, statement: sa.Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """All rows of a Core select, as named tuples: a tenth of the cost of mapped objects."""
    return session.connection().execute(statement).all()
