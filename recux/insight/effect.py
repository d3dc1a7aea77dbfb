"""What the recommendations do: clicks, purchases, order, and what the slates are like, by arm."""

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation import recommendation, rows
from recux.evaluation.exposure import exposures
from recux.evaluation.scope import arm_keys, live
from recux.evaluation.snapshot import recorded
from recux.insight.tables import rows_of, table_of


def summary(session: Session, study: Study) -> pd.DataFrame:
    """Every figure of the recommendations at this moment: ``metric``, ``arm`` (empty: everyone), ``k`` and the fields
    of a figure.
    """
    scope = live(study)
    ratings, done = rows.ratings(session, scope), rows.interactions(session, scope)
    shown, items = exposures(rows.impressions(session, scope), ratings, done), rows.items(session, scope)
    k, kinds = recommendation.cut_off(shown, study.slate_size), recorded(session, scope)
    found = []
    for arm in ("", *arm_keys(session, scope.study).values()):
        part = shown if arm == "" else shown[shown["arm"] == arm]
        found += rows_of(recommendation.figures(part, items, k=k, recorded=kinds), arm=arm, k=k)
    return table_of(found, "arm", "k")
