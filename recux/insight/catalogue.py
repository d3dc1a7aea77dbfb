"""What the catalogue gets out of the recommendations: who is shown, who is good and hidden, and how newcomers fare."""

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col

from db.queries import counts
from db.tables import Arm, Impression, Item, Participant, Rating, Slate, Study
from recux.evaluation import rows
from recux.evaluation.satisfaction import mean_rating
from recux.evaluation.scope import live
from recux.insight.tables import rows_of, table_of

GOOD_FROM = 4.0
"""Mean stars from where on an item is good."""
LOWER_HALF = 0.5
KNOWN = (("new", 0, 0), ("few", 1, 4), ("known", 5, 10**9))
"""Earlier ratings of an item, or of a person: none, 1 to 4, 5 or more."""


def exposure(session: Session, study: Study) -> pd.DataFrame:
    """How the places are shared out: ``arm``, ``share_of_items`` (from the most shown on, 0 to 1) and
    ``share_of_places`` (that these take), a point for each twentieth of the catalogue; ``n`` places.
    """
    total = (
        session.connection()
        .execute(sa.select(sa.func.count()).select_from(Item).where(col(Item.study_id) == study.id))
        .scalar_one()
    )
    shown = _shown(session, study)
    points = []
    for arm, mine in shown.groupby("arm"):
        taken = np.concatenate([[0.0], np.cumsum(np.sort(mine["places"].to_numpy(dtype=float))[::-1])])
        everything = np.concatenate([taken, np.full(max(0, total - len(mine)), taken[-1])])
        for part in np.linspace(0, 1, 21):
            here = everything[round(part * (len(everything) - 1))]
            points.append((arm, part, here / taken[-1], int(taken[-1])))
    return pd.DataFrame(points, columns=["arm", "share_of_items", "share_of_places", "n"])


def hidden_gems(session: Session, study: Study, least: int, limit: int = 50) -> pd.DataFrame:
    """Good items that stand low: ``item``, ``category``, ``stars`` (mean), ``people`` (who rated it), ``position``
    (mean place), ``low`` (that place within the lists it stood in, 0 top to 1 bottom) and ``shown`` (times).

    Good: rated ``GOOD_FROM`` or more on average by at least ``least`` people; low: in the lower half of its lists. The
    best rated first.
    """
    places = _places(session, study)
    liked = (
        sa.select(
            col(Item.id),
            col(Item.title),
            col(Item.category),
            sa.func.avg(col(Rating.rating)),
            sa.func.count(sa.distinct(col(Rating.participant_id))),
        )
        .join(Item, col(Item.id) == col(Rating.item_id))
        .join(Participant, col(Participant.id) == col(Rating.participant_id))
        .where(col(Rating.study_id) == study.id, col(Rating.current), counts())
        .group_by(col(Item.id), col(Item.title), col(Item.category))
        .having(sa.func.avg(col(Rating.rating)) >= GOOD_FROM)
        .having(sa.func.count(sa.distinct(col(Rating.participant_id))) >= least)
    )
    found = [tuple(row) for row in session.connection().execute(liked)]
    good = pd.DataFrame(found, columns=["id", "item", "category", "stars", "people"])
    both = good.merge(places, on="id")
    low = both[both["low"] > LOWER_HALF].sort_values(["stars", "people"], ascending=False).head(limit)
    return low[["item", "category", "stars", "people", "position", "low", "shown"]].reset_index(drop=True)


def newcomers(session: Session, study: Study) -> pd.DataFrame:
    """Mean rating by how well an ``item`` or a ``person`` (column ``of``) was ``known`` when the rating was given
    (``new``: no earlier rating, ``few``: 1 to 4, ``known``: 5 or more), with the fields of a figure; people are the
    unit.
    """
    ratings = rows.ratings(session, live(study)).sort_values(["moment", "id"])
    found = []
    for of, key in (("item", "item"), ("person", "participant")):
        before = ratings.groupby(key).cumcount()
        for known, low, high in KNOWN:
            part = ratings[(before >= low) & (before <= high)]
            found += rows_of({"mean_rating": mean_rating(part)}, of=of, known=known)
    return table_of(found, "of", "known")


def _shown(session: Session, study: Study) -> pd.DataFrame:
    """``arm``, ``id`` (item) and ``places`` it had in served lists."""
    statement = (
        sa.select(col(Arm.key), col(Impression.item_id), sa.func.count())
        .select_from(Impression)
        .join(Slate, col(Slate.id) == col(Impression.slate_id))
        .join(Participant, col(Participant.id) == col(Slate.participant_id))
        .join(Arm, col(Arm.id) == sa.func.coalesce(col(Slate.arm_id), col(Participant.arm_id)))
        .where(col(Slate.study_id) == study.id, col(Slate.served_at).is_not(None), counts())
        .group_by(col(Arm.key), col(Impression.item_id))
    )
    found = [tuple(row) for row in session.connection().execute(statement)]
    return pd.DataFrame(found, columns=["arm", "id", "places"])


def _places(session: Session, study: Study) -> pd.DataFrame:
    """``id`` (item), mean ``position``, ``low`` and times ``shown``, over served lists of two or more."""
    lengths = (
        sa.select(col(Impression.slate_id).label("slate"), sa.func.max(col(Impression.position)).label("length"))
        .join(Slate, col(Slate.id) == col(Impression.slate_id))
        .where(col(Slate.study_id) == study.id, col(Slate.served_at).is_not(None))
        .group_by(col(Impression.slate_id))
        .subquery()
    )
    depth = (col(Impression.position) - 1.0) / (lengths.c.length - 1.0)
    statement = (
        sa.select(col(Impression.item_id), sa.func.avg(col(Impression.position)), sa.func.avg(depth), sa.func.count())
        .join(lengths, lengths.c.slate == col(Impression.slate_id))
        .where(lengths.c.length > 1)
        .group_by(col(Impression.item_id))
    )
    found = [tuple(row) for row in session.connection().execute(statement)]
    table = pd.DataFrame(found, columns=["id", "position", "low", "shown"])
    return table.astype({"position": "float64", "low": "float64"})
