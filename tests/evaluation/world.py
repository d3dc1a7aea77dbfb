"""Slates, calls and clicks planted by hand, and frames without a database."""

from datetime import timedelta

import pandas as pd

from db.tables import Impression, Interaction, Request, Slate
from recux.instruments import available, load
from tests.planting import START

KNOWN = {name: load(name) for name in available()}


def plant_slate(session, person, items, *, day=0.0, served=True, shown=None, scores=None, **fields):
    """A slate of these item ids in this order; ``shown`` lists the positions that were shown (None: not recorded)."""
    at = START + timedelta(days=day)
    slate = Slate(
        study_id=person.study_id,
        participant_id=person.id,
        external_id=fields.pop("external_id", f"{person.id}-{day}"),
        served_at=at if served else None,
        **fields,
    )
    session.add(slate)
    session.flush()
    for place, item in enumerate(items, start=1):
        seen = at if shown is not None and place in shown else None
        score = scores[place - 1] if scores else None
        session.add(Impression(slate_id=slate.id, item_id=item, position=place, shown_at=seen, score=score))
    session.flush()
    return slate


def plant_interaction(session, person, item, kind, *, slate=None, day=0.0):
    """One interaction."""
    row = Interaction(
        study_id=person.study_id,
        participant_id=person.id,
        item_id=item,
        kind=kind,
        slate_id=slate.id if slate else None,
        occurred_at=START + timedelta(days=day),
        row_key=f"{person.id}-{item}-{kind}-{day}",
    )
    session.add(row)
    session.flush()
    return row


def plant_request(session, study, number, duration_ms, outcome="ok", *, day=0.0, **fields):
    """One call to the recommender."""
    row = Request(
        study_id=study.id,
        duration_ms=duration_ms,
        outcome=outcome,
        requested_at=START + timedelta(days=day),
        row_key=str(number),
        **fields,
    )
    session.add(row)
    session.flush()
    return row


def ratings_frame(rows):
    """Ratings from (participant, arm, rating)."""
    frame = pd.DataFrame(rows, columns=["participant", "arm", "rating"]).astype({"rating": "float64"})
    return frame.assign(id=range(1, len(frame) + 1), item=range(1, len(frame) + 1), slate=0, moment=pd.Timestamp(START))


def answers_frame(rows):
    """Answers from (participant, arm, instrument, question, value) and, if given, the wave."""
    frame = pd.DataFrame(
        [(*row, 1)[:6] for row in rows], columns=["participant", "arm", "instrument", "question", "value", "wave"]
    ).astype({"value": "float64"})
    key = frame["participant"].astype(str) + frame["instrument"].astype(str) + frame["wave"].astype(str)
    return frame.assign(
        id=range(1, len(frame) + 1),
        response=pd.factorize(key)[0],
        worded=False,
        refused=False,
        moment=pd.Timestamp(START),
    )


def exposures_frame(slates, *, arm="a"):
    """Exposures from (participant, [rating or None, ...]): one slate each, items numbered by place."""
    rows = [
        {
            "slate": number,
            "participant": person,
            "arm": arm,
            "item": place,
            "position": place,
            "score": None,
            "rating": rating,
            "clicked": False,
            "purchased": False,
            "dismissed": False,
            "known": False,
        }
        for number, (person, ratings) in enumerate(slates, start=1)
        for place, rating in enumerate(ratings, start=1)
    ]
    return pd.DataFrame(rows).astype({"rating": "float64", "score": "float64"})


def numbers(figure):
    """Value, interval and n of a figure, as far as it has them."""
    return [one for one in (figure.value, figure.ci_low, figure.ci_high, figure.n) if one is not None]
