"""What a person said about the items of a list: stars, comments and marks. Every click reads it, so in one select."""

from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlmodel import col

from db.tables import Impression, Interaction, Item, Participant, Rating, Slate
from recux.errors import NotAllowed, NotFound
from recux.ingest.keys import rating_key

Mark = Literal["know", "dismiss"]
MARKS: tuple[Mark, ...] = ("know", "dismiss")


class Stars(NamedTuple):
    """A rating that counts now."""

    id: int
    rating: float
    comment: str | None


class Opinion(NamedTuple):
    """All that a person said about one item of a list."""

    stars: Stars | None = None
    marks: frozenset[Mark] = frozenset()

    @property
    def settled(self) -> bool:
        """Whether nothing more is asked about the item: it has stars, or is not for this person."""
        return self.stars is not None or "dismiss" in self.marks


NOTHING = Opinion()


class Place(NamedTuple):
    """An item that was shown to a person: where an opinion belongs. It never changes."""

    impression_id: int
    item_id: int
    slate_id: int
    study_id: int
    participant_id: int
    key: str
    """Key of all revisions of the rating. A time is no part of it: one item of one list has one rating."""


def place_of(connection: sa.Connection, participant_id: int, impression_id: int) -> Place:
    """Where the person's opinion on an item of their list belongs.

    Raises NotFound, and NotAllowed when the list is somebody else's.
    """
    row = connection.execute(_PLACE, {"impression": impression_id, "person": participant_id}).first()
    if row is None:
        raise NotFound(f"there is no impression {impression_id}")
    if row.participant_id != participant_id:
        raise NotAllowed(f"slate {row.slate!r} was not made for participant {row.person!r}")
    key = rating_key(row.person, row.item, row.slate, None)
    return Place(impression_id, row.item_id, row.slate_id, row.study_id, participant_id, key)


def opinions(connection: sa.Connection, slate_id: int, participant_id: int) -> dict[int, Opinion]:
    """What the person said about the items of a list so far, from any device, by item id."""
    found: dict[int, Opinion] = {}
    for item, number, rating, comment, kind in connection.execute(_SAID, {"slate": slate_id, "person": participant_id}):
        before = found.get(item, NOTHING)
        if kind is None:
            found[item] = before._replace(stars=Stars(number, rating, comment))
        else:
            found[item] = before._replace(marks=before.marks | {kind})
    return found


def _said() -> sa.CompoundSelect[*tuple[Any, ...]]:
    slate: sa.BindParameter[int] = sa.bindparam("slate")
    person: sa.BindParameter[int] = sa.bindparam("person")
    stars: sa.Select[*tuple[Any, ...]] = sa.select(
        col(Rating.item_id),
        col(Rating.id).label("number"),
        col(Rating.rating),
        col(Rating.comment),
        sa.cast(sa.null(), sa.String).label("kind"),
    ).where(col(Rating.slate_id) == slate, col(Rating.participant_id) == person, sa.text("rating.current"))
    marks: sa.Select[*tuple[Any, ...]] = sa.select(
        col(Interaction.item_id),
        col(Interaction.id),
        sa.cast(sa.null(), sa.Float),
        sa.cast(sa.null(), sa.String),
        col(Interaction.kind),
    ).where(
        col(Interaction.slate_id) == slate,
        col(Interaction.participant_id) == person,
        col(Interaction.kind).in_(MARKS),
    )
    return sa.union_all(stars, marks).order_by("number")


_SAID = _said()
_PLACE = (
    sa.select(
        col(Slate.participant_id),
        col(Slate.study_id),
        col(Slate.id).label("slate_id"),
        col(Slate.external_id).label("slate"),
        col(Item.id).label("item_id"),
        col(Item.external_id).label("item"),
        sa.select(col(Participant.external_id))
        .where(col(Participant.id) == sa.bindparam("person"))
        .scalar_subquery()
        .label("person"),
    )
    .select_from(Impression)
    .join(Slate, col(Slate.id) == col(Impression.slate_id))
    .join(Item, col(Item.id) == col(Impression.item_id))
    .where(col(Impression.id) == sa.bindparam("impression"))
)
