"""What people say they like before the first slate: topics, and items that they pick. Recommenders read both.

Topics become the person's interests; a picked item becomes an interaction of the kind ``like``, which counts as much as
a purchase and is never recommended back.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Interaction, Item, Participant, Study, now
from recux.collect.consent import require_consent
from recux.errors import NotFound
from recux.ingest.keys import row_key
from recux.recommend.catalogue import catalogue_of

TOPICS = 24
FOUND = 8


@dataclass(frozen=True)
class Pick:
    """An item that can be picked."""

    item_id: int
    title: str
    category: str


def topics(session: Session, study: Study) -> list[str]:
    """The categories and tags that most items have, at most 24, the most frequent first."""
    rows = session.exec(select(Item.category, Item.tags).where(Item.study_id == study.id))
    counted = Counter(topic.strip() for category, tags in rows for topic in {category or "", *tags} if topic.strip())
    return [topic for topic, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:TOPICS]]


def search(session: Session, study: Study, words: str) -> list[Pick]:
    """At most eight items in whose title, category, tags or description every word of ``words`` occurs, titles first;
    without words the ones that people liked most.
    """
    catalogue = catalogue_of(session, study)
    wanted = words.casefold().split()
    if wanted:
        texts = enumerate(text.casefold() for text in catalogue.texts)
        matching = [place for place, text in texts if all(word in text for word in wanted)]
        matching.sort(key=lambda place: (wanted[0] not in catalogue.titles[place].casefold(), place))
    else:
        matching = (-catalogue.liked).argsort(kind="stable").tolist()
    return [
        Pick(int(catalogue.item_ids[place]), catalogue.titles[place], catalogue.categories[place] or "")
        for place in matching[:FOUND]
    ]


def picked(session: Session, participant: Participant) -> list[Pick]:
    """The items that the person picked, in the order of picking."""
    rows = session.exec(
        select(Item)
        .join(Interaction, col(Interaction.item_id) == Item.id)
        .where(Interaction.participant_id == participant.id, Interaction.kind == "like")
        .order_by(col(Interaction.id))
    )
    return [Pick(item.id or 0, item.title, item.category or "") for item in rows]


def set_topics(session: Session, participant: Participant, chosen: Sequence[str], offered: Sequence[str]) -> None:
    """Let ``chosen`` be the person's interests among those ``offered``; interests known from elsewhere stay.

    Raises NotAllowed (no consent, withdrawn, study not open).
    """
    require_consent(session, participant)
    elsewhere = [interest for interest in participant.interests if interest not in offered]
    participant.interests = [*elsewhere, *(topic for topic in offered if topic in chosen)]
    session.add(participant)
    session.flush()


def pick(session: Session, participant: Participant, item_id: int, *, liked: bool) -> None:
    """Note that the person likes an item, or take that back; the same again changes nothing.

    Raises NotAllowed (no consent, withdrawn, study not open) and NotFound for an item of another study.
    """
    require_consent(session, participant)
    item = session.get(Item, item_id)
    if item is None or item.study_id != participant.study_id:
        raise NotFound(f"there is no item {item_id} in the study of participant {participant.external_id!r}")
    key = row_key(["page", participant.id, item_id, "like"])
    own = sa.and_(col(Interaction.study_id) == participant.study_id, col(Interaction.row_key) == key)
    if not liked:
        session.exec(sa.delete(Interaction).where(own))
    elif session.exec(select(Interaction.id).where(own)).first() is None:
        assert participant.id is not None  # it was locked above
        session.add(
            Interaction(
                study_id=participant.study_id,
                participant_id=participant.id,
                item_id=item_id,
                row_key=key,
                kind="like",
                occurred_at=now(),
            )
        )
    session.flush()
