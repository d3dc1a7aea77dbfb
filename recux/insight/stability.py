"""Whether the recommender is quick and reliable: now, over time, against what was promised, and what gave an alarm."""

from datetime import timedelta
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.tables import Alert, AlertChannel, AlertDelivery, Arm, Request, Study
from recux.evaluation import rows, stability
from recux.evaluation.scope import arm_keys, live
from recux.insight import figures
from recux.insight.kept import kept
from recux.insight.tables import rows_of, table_of
from recux.operate.alert_delivery import host_of
from recux.operate.alert_rule import stretches
from recux.operate.alerts import medians

STEPS = {"hour": "h", "day": "D"}
BUDGET_DAYS = 28
SLOW_ALLOWED = {"p50_ms": 0.50, "p95_ms": 0.05, "p99_ms": 0.01}
"""Share of calls that may be slower than the promise, by what was promised."""


class Past(NamedTuple):
    """How it was over time."""

    lines: pd.DataFrame
    """``at`` (start of the hour or day, UTC), ``arm``, ``metric`` (p50_ms, p95_ms, failure_rate), ``value``, ``n``
    (calls): plain shares and quantiles of what was recorded, for a line through time, without intervals."""
    unusual: pd.DataFrame
    """``began``, ``ended``, ``value`` and ``usual`` (median ms) of each stretch unlike the two days before it."""


def current(session: Session, study: Study) -> pd.DataFrame:
    """The figures of the last round, or of this moment before the first: ``metric``, ``arm`` and those of a figure."""
    stored = figures.stored(session, study, "stability", last=True)
    return stored if len(stored) else kept(session, study, summary).value


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


def past(session: Session, study: Study, by: Literal["hour", "day"] = "hour") -> Past:
    """How it was over time, and when it was unlike before; of a large study perhaps as of some seconds ago."""
    calls = kept(session, study, every_call).value
    return Past(_lines(calls, by), _unusual(calls))


def every_call(session: Session, study: Study) -> pd.DataFrame:
    """All calls of the study; see ``rows.requests``."""
    return rows.requests(session, live(study))


def over_time(session: Session, study: Study, *, by: Literal["hour", "day"] = "hour") -> pd.DataFrame:
    """The lines of ``past``."""
    return _lines(rows.requests(session, live(study)), by)


def budget(session: Session, study: Study) -> pd.DataFrame:
    """How much of what each objective allows to go wrong was used up in the last ``BUDGET_DAYS`` days of calls:
    ``metric``, ``arm``, ``calls``, ``bad`` (failed, or slower than promised), ``allowed`` (calls) and ``used`` (share
    of the allowed; above 1 the promise is broken).
    """
    parts = []
    for metric, target in sorted(study.objectives.items()):
        if metric in {"failure_rate", "availability"}:
            bad = col(Request.outcome) != "ok"
            share = target if metric == "failure_rate" else 1 - target
        elif metric in SLOW_ALLOWED:
            bad, share = col(Request.duration_ms) > target, SLOW_ALLOWED[metric]
        else:
            continue
        parts += [(metric, arm, n, b, share * n) for arm, n, b in _counted(session, study, bad)]
    table = pd.DataFrame(parts, columns=["metric", "arm", "calls", "bad", "allowed"])
    return table.assign(used=np.where(table["allowed"] > 0, table["bad"] / table["allowed"].clip(lower=1e-12), np.nan))


def alerts(session: Session, study: Study, *, limit: int = 200) -> list[Alert]:
    """The study's alerts: those that are open first, then the newest."""
    statement = select(Alert).where(Alert.study_id == study.id)
    ordered = statement.order_by(col(Alert.closed_at).is_not(None), col(Alert.opened_at).desc(), col(Alert.id).desc())
    return list(session.exec(ordered.limit(limit)))


def channels(session: Session, study: Study) -> pd.DataFrame:
    """Where alerts are sent: ``id``, ``kind``, ``target`` (of a webhook only its host, as its path may be a secret),
    ``sent``, ``waiting``, ``failed`` (messages) and ``error`` (the last one).
    """
    counted = [
        sa.func.coalesce(sa.func.sum(sa.case((col(AlertDelivery.status) == status, 1), else_=0)), 0)
        for status in ("sent", "waiting", "failed")
    ]
    last = sa.select(col(AlertDelivery.error)).where(col(AlertDelivery.channel_id) == col(AlertChannel.id))
    last = last.order_by(col(AlertDelivery.id).desc()).limit(1).correlate(AlertChannel)
    statement = (
        sa.select(
            col(AlertChannel.id), col(AlertChannel.kind), col(AlertChannel.target), *counted, last.scalar_subquery()
        )
        .outerjoin(AlertDelivery, col(AlertDelivery.channel_id) == col(AlertChannel.id))
        .where(col(AlertChannel.study_id) == study.id)
        .group_by(col(AlertChannel.id), col(AlertChannel.kind), col(AlertChannel.target))
        .order_by(col(AlertChannel.id))
    )
    found = [tuple(row) for row in session.connection().execute(statement)]
    table = pd.DataFrame(found, columns=["id", "kind", "target", "sent", "waiting", "failed", "error"])
    shown = [host_of(t) if kind == "webhook" else t for kind, t in zip(table["kind"], table["target"], strict=True)]
    return table.assign(target=pd.Series(shown, index=table.index, dtype="object"))


def _lines(calls: pd.DataFrame, by: str) -> pd.DataFrame:
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


def _unusual(calls: pd.DataFrame) -> pd.DataFrame:
    steps = medians(calls)
    found = []
    for first, last in stretches(np.log(steps["value"].clip(lower=1e-3))):
        here = steps.iloc[first : last + 1]
        peak = here["value"].loc[(np.log(here["value"]) - np.log(steps["value"].median())).abs().idxmax()]
        found.append((here["at"].iloc[0], here["at"].iloc[-1], peak, steps["value"].iloc[:first].median()))
    return pd.DataFrame(found, columns=["began", "ended", "value", "usual"])


def _counted(session: Session, study: Study, bad: sa.ColumnElement[bool]) -> list[tuple[str, int, int]]:
    here = col(Request.study_id) == study.id
    last = session.connection().execute(sa.select(sa.func.max(col(Request.requested_at))).where(here)).scalar()
    if last is None:
        return []
    statement = (
        sa.select(col(Arm.key), sa.func.count(), sa.func.sum(sa.case((bad, 1), else_=0)))
        .select_from(Request)
        .outerjoin(Arm, col(Arm.id) == col(Request.arm_id))
        .where(here, col(Request.requested_at) > last - timedelta(days=BUDGET_DAYS))
        .group_by(col(Arm.key))
    )
    by_arm = [(arm or "", int(n), int(b)) for arm, n, b in session.connection().execute(statement)]
    return [("", sum(n for _a, n, _b in by_arm), sum(b for _a, _n, b in by_arm)), *(one for one in by_arm if one[0])]
