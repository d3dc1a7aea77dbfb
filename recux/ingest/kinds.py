"""The seven kinds of data that can be imported: their columns, and how each cell is read."""

from dataclasses import dataclass
from functools import partial

from recux.errors import InvalidInput
from recux.ingest import values
from recux.ingest.values import Reader


@dataclass(frozen=True)
class Column:
    """One of our columns."""

    name: str
    read: Reader
    required: bool = False


whole = partial(partial, values.whole)
score = values.number
participant = Column("participant_id", values.name, required=True)
item = Column("item_id", values.name, required=True)
slate = Column("slate_id", values.name)
INTERACTIONS = ("view", "click", "purchase", "dismiss", "like", "know")
"""``like``: picked among the preferences; ``know``: "I know it already"; ``dismiss``: "not for me"."""
OUTCOMES = ("ok", "error", "timeout")

ITEM_DETAILS = (
    Column("title", values.text, required=True),
    Column("description", values.text),
    Column("category", values.name),
    Column("tags", values.names),
    Column("price", values.number),
    Column("image_url", values.text),
)

KINDS: dict[str, tuple[Column, ...]] = {
    "participants": (
        participant,
        Column("arm", values.name),
        Column("cohort", values.name),
        Column("interests", values.names),
        Column("language", values.language),
    ),
    "items": (item, *ITEM_DETAILS),
    "slates": (
        Column("slate_id", values.name, required=True),
        participant,
        Column("arm", values.name),
        item,
        Column("position", whole(low=1, high=10_000), required=True),
        Column("score", score),
        Column("explanation", values.text),
        Column("model_version", values.name),
        Column("served_at", values.moment),
    ),
    "interactions": (
        participant,
        item,
        Column("kind", partial(values.choice, among=INTERACTIONS), required=True),
        Column("occurred_at", values.moment, required=True),
        slate,
        Column("dwell_ms", values.milliseconds),
    ),
    "ratings": (
        participant,
        item,
        Column("rating", values.rating, required=True),
        Column("comment", values.text),
        slate,
        Column("rated_at", values.moment),
        Column("recommended", values.flag),
    ),
    "responses": (
        participant,
        Column("instrument", values.name, required=True),
        Column("question", values.name, required=True),
        Column("value", values.number),
        Column("text", values.text),
        Column("answered_at", values.moment),
        Column("wave", whole(low=1, high=10_000)),
    ),
    "requests": (
        Column("requested_at", values.moment, required=True),
        Column("duration_ms", values.milliseconds, required=True),
        Column("outcome", partial(values.choice, among=OUTCOMES)),
        Column("http_status", whole(low=100, high=599)),
        Column("arm", values.name),
        Column("endpoint", values.text),
        slate,
        Column("slate_size", whole(low=0, high=100_000)),
    ),
}

WITH_ATTRIBUTES = {"participants", "items"}
"""Kinds that take any ``attr.NAME`` beside their columns."""
NAMING_ITEMS = {"slates", "interactions", "ratings"}
"""Kinds whose map may create the items they name, from ``item.NAME`` columns."""


def column_of(kind: str, name: str) -> Column | None:
    """Our column of this name in ``kind``, ``attr.NAME`` and ``item.NAME`` included; None when there is none."""
    for column in KINDS[kind]:
        if column.name == name:
            return column
    if kind in WITH_ATTRIBUTES and _is_attribute(name):
        return Column(name, values.attribute)
    if kind in NAMING_ITEMS and name.startswith("item."):
        return _item_detail(name)
    return None


def known_kind(kind: str) -> str:
    """``kind`` itself; InvalidInput when it is none of the seven."""
    if kind not in KINDS:
        raise InvalidInput(f"{kind!r} is not a kind of data; the kinds are {', '.join(KINDS)}")
    return kind


def _item_detail(name: str) -> Column | None:
    detail = name.removeprefix("item.")
    if _is_attribute(detail):
        return Column(name, values.attribute)
    return next((Column(name, column.read) for column in ITEM_DETAILS if column.name == detail), None)


def _is_attribute(name: str) -> bool:
    return name.startswith("attr.") and 0 < len(name) - len("attr.") <= 255 and not values.NOT_IN_NAMES.search(name)
