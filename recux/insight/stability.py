"""Whether the recommender is quick and reliable: now, over time, and against what was promised."""

from typing import Literal

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation import rows, stability
from recux.evaluation.scope import arm_keys, live
from recux.insight.tables import rows_of, table_of

STEPS = {"hour": "h", "day": "D"}


def summary(session: Session, study: Study) -> pd.DataFrame:
    """Response times, failures and availability at this moment: ``metric``, ``arm`` (empty: everyone) and the fields
    of a figure.
    """
    scope = live(study)
    calls = rows.requests(session, scope)
    found = []
    for arm in ("", *arm_keys(session, scope.study).values()):
        found += rows_of(stability.figures(calls if arm == "" else calls[calls["arm"] == arm]), arm=arm)
    return table_of(found, "arm")


def objectives(session: Session, study: Study) -> list[stability.Objective]:
    """What was promised, against everything measured so far."""
    measured = stability.figures(rows.requests(session, live(study)))
    return stability.objectives(study.objectives, measured)


def over_time(session: Session, study: Study, *, by: Literal["hour", "day"] = "hour") -> pd.DataFrame:
    """Columns ``at`` (start of the hour or day, UTC), ``arm``, ``metric`` (p50_ms, p95_ms, failure_rate), ``value``,
    ``n`` (calls): plain shares and quantiles of what was recorded, for a line through time, without intervals.
    """
    calls = rows.requests(session, live(study))
    start = calls["moment"].dt.floor(STEPS[by]).rename("at")
    groups = calls.groupby([start, "arm"])
    found = {
        "p50_ms": groups["duration_ms"].quantile(0.50),
        "p95_ms": groups["duration_ms"].quantile(0.95),
        "failure_rate": groups["failed"].mean(),
    }
    n = groups.size().rename("n")
    parts = [pd.concat([value.rename("value"), n], axis=1).assign(metric=name) for name, value in found.items()]
    return pd.concat(parts).reset_index()[["at", "arm", "metric", "value", "n"]]
