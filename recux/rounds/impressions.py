"""From what people were shown and did to what the behaviour model learns from."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Batch, Impression, Slate, Study
from recux.evaluation import rows
from recux.evaluation.exposure import exposures
from recux.evaluation.scope import up_to as of_batches
from recux.learn.examples import BehaviourExample
from recux.learn.splits import split_of
from recux.rounds.words import Words, of_study, rows_of

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""The moment of a slate without a time."""


def behaviour_examples(session: Session, study: Study, words: Words, up_to: int) -> Iterator[BehaviourExample]:
    """Every impression that was seen until the batch was closed, with what followed it, as the click rate counts them.

    A slate without a time counts as the first thing its person saw, in the first round: nothing was known of them.
    """
    seen, observed = _seen(session, study, up_to)
    if not observed & {"click", "purchase"}:
        return
    statement = (
        sa.select(
            col(Impression.id),
            col(Impression.item_id),
            col(Impression.position),
            sa.func.coalesce(col(Impression.rank), col(Impression.position)).label("rank"),
            col(Impression.slate_id),
            col(Slate.participant_id),
            col(Slate.served_at),
            round_at(col(Slate.served_at), study).label("round"),
        )
        .join(Slate, col(Slate.id) == col(Impression.slate_id))
        .where(of_study(Slate, study))
        .order_by(col(Impression.id))
    )
    for row in rows_of(session, statement):
        done = seen.get((row.slate_id, row.rank))
        if done is None:
            continue
        yield BehaviourExample(
            key=f"impression-{row.id}",
            split=split_of(words.people[row.participant_id].external_id, study.salt),
            pair=words.pair(row.participant_id, row.item_id, row.served_at or BEFORE_ALL, row.position),
            click=done[0] if "click" in observed else None,
            purchase=done[1] if "purchase" in observed else None,
            round=row.round or 1,
        )


def _seen(session: Session, study: Study, up_to: int) -> tuple[dict[tuple[int, int], tuple[bool, bool]], set[str]]:
    """What was clicked and purchased of each impression that was seen, by slate and the recommender's position; and the
    kinds of interaction that were recorded until then.
    """
    scope = of_batches(session.exec(select(Batch).where(Batch.study_id == study.id, Batch.number == up_to)).one())
    done = rows.interactions(session, scope)
    shown = exposures(rows.impressions(session, scope), rows.ratings(session, scope), done)
    places = zip(shown["slate"].tolist(), shown["position"].tolist(), strict=True)
    acts = zip(shown["clicked"].tolist(), shown["purchased"].tolist(), strict=True)
    return dict(zip(places, acts, strict=True)), set(done["kind"])


def round_at(moment: Any, study: Study) -> sa.ScalarSelect[Any]:
    """Number of the first batch that was closed at or after ``moment``."""
    later = (col(Batch.study_id) == study.id, col(Batch.closed_at) >= moment)
    return sa.select(sa.func.min(col(Batch.number))).where(*later).scalar_subquery()
