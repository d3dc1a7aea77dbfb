"""What one person has met so far, in the columns of a catalogue."""

import hashlib
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from db.tables import Impression, Interaction, Participant, Rating, Slate, Study
from recux.recommend.catalogue import Catalogue, felt_by
from recux.recommend.order import tiers
from recux.recommend.scores import History


@dataclass(frozen=True, slots=True)
class Met:
    """A person's past with the items."""

    history: History
    rated: frozenset[int]
    """Ids of the items that they rated or dismissed."""
    tier: NDArray[np.int8]  # (items,), see ``order.tiers``


def met_by(session: Session, study: Study, participant: Participant, catalogue: Catalogue) -> Met:
    """Read anew at every call: the person's last click counts, however old the catalogue is."""
    felt = {item: strength for (_, item), strength in felt_by(session, study, participant.id).items()}
    known = [item for item in felt if item in catalogue.place]  # an item may be younger than the catalogue
    columns = np.array([catalogue.place[item] for item in known], dtype=np.int64)
    rated = rated_by(session, participant)
    shown = _shown(session, participant) | felt.keys()
    tier = tiers(len(catalogue.item_ids), rated=catalogue.columns_of(rated), shown=catalogue.columns_of(shown))
    return Met((columns, np.array([felt[item] for item in known], dtype=np.float64)), rated, tier)


def rated_by(session: Session, participant: Participant) -> frozenset[int]:
    """Ids of the items that the person rated, dismissed or picked as liked: not to be recommended again."""
    ratings = sa.select(col(Rating.item_id)).where(col(Rating.participant_id) == participant.id, col(Rating.current))
    settled = sa.select(col(Interaction.item_id)).where(
        col(Interaction.participant_id) == participant.id, col(Interaction.kind).in_(("dismiss", "like"))
    )
    return frozenset(session.connection().execute(ratings.union(settled)).scalars())


def seed_of(study: Study, participant: Participant) -> int:
    """A person's own 64-bit seed, the same at every call."""
    digest = hashlib.sha256(f"{study.salt}:{participant.external_id}".encode()).digest()
    return int.from_bytes(digest[:8])


def _shown(session: Session, participant: Participant) -> set[int]:
    statement = (
        sa.select(col(Impression.item_id))
        .join(Slate, col(Slate.id) == col(Impression.slate_id))
        .where(col(Slate.participant_id) == participant.id, col(Slate.served_at).is_not(None))
    )
    return set(session.connection().execute(statement).scalars())
