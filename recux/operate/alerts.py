"""Alerts about the recommender: opened when a promise is surely broken or response times are unlike before.

``check`` looks at live studies and may run as often as one likes: the same trouble opens one alert, which closes when
it is over. Sending is in ``alert_delivery``.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import read_session, write_session
from db.tables import Alert, AlertChannel, AlertDelivery, Study
from recux.evaluation import rows, stability
from recux.evaluation.scope import Scope, arm_keys, study_id
from recux.operate.alert_rule import PAST, STEP_MINUTES, THRESHOLD, unusual

PROMISED_OVER = timedelta(days=1)
"""Objectives are judged on the calls of the last day."""
RECENT_STEPS = 12
"""An unusual step of the last hour keeps an alert open."""
FEWEST_CALLS = 5
"""Calls that a step needs before its median counts."""
Json = dict[str, Any]


class Trouble(NamedTuple):
    """What a look at one study found."""

    rule: str
    metric: str
    arm: str
    began_at: datetime
    details: Json

    @property
    def key(self) -> tuple[str, str, str]:
        """What may be open once in a study."""
        return self.rule, self.metric, self.arm


def check(engine: sa.Engine, now: datetime) -> list[Alert]:
    """Look at every live study; returns the alerts that were opened. What is over is closed."""
    with read_session(engine) as session:
        studies = session.exec(select(Study).where(Study.status == "live")).all()
    opened = []
    for study in studies:
        with read_session(engine) as session:
            found = troubles(session, study, now)
        with write_session(engine) as session:
            opened += settle(session, study, found, now)
    return opened


def troubles(session: Session, study: Study, now: datetime) -> list[Trouble]:
    """What is wrong with the recommender of a study at ``now``, for everyone together and by arm."""
    history = now - timedelta(minutes=STEP_MINUTES * (PAST + RECENT_STEPS))
    calls = rows.requests(session, Scope(study_id(study), after=history, until=now))
    arms = list(arm_keys(session, study_id(study)).values())
    found = []
    for arm in ("", *(arms if len(arms) > 1 else [])):
        mine = calls if arm == "" else calls[calls["arm"] == arm]
        found += [*_broken(study, mine, arm, now), *_unusual(mine, arm, now)]
    return found


def settle(session: Session, study: Study, found: list[Trouble], now: datetime) -> list[Alert]:
    """Open what is new, with a message to each channel; close what is over; returns what was opened."""
    current = session.exec(select(Alert).where(Alert.study_id == study.id, col(Alert.closed_at).is_(None))).all()
    open_now = {(one.rule, one.metric, one.arm): one for one in current}
    there = {one.key: one for one in found}
    for key, alert in open_now.items():
        if key in there:
            alert.details = {**alert.details, "now": there[key].details.get("value")}
        else:
            alert.closed_at = now
        session.add(alert)
    new = [one for key, one in there.items() if key not in open_now]
    opened = [
        Alert(study_id=study_id(study), rule=one.rule, metric=one.metric, arm=one.arm, began_at=one.began_at,
              opened_at=now, details=one.details)
        for one in new
    ]  # fmt: skip
    session.add_all(opened)
    session.flush()
    channels = session.exec(select(AlertChannel).where(AlertChannel.study_id == study.id)).all()
    for alert in opened:
        session.add_all(AlertDelivery(alert_id=alert.id or 0, channel_id=c.id or 0, next_at=now) for c in channels)
    return opened


def _broken(study: Study, calls: pd.DataFrame, arm: str, now: datetime) -> list[Trouble]:
    last_day = calls[calls["moment"] > pd.Timestamp(now - PROMISED_OVER)]
    if last_day.empty:
        return []
    measured = stability.figures(last_day)
    found = []
    for one in stability.objectives(study.objectives, measured):
        if one.ok is False and one.certain:
            figure = measured[one.name]
            details = {"value": one.value, "ci_low": figure.ci_low, "ci_high": figure.ci_high, "n": figure.n}
            began = last_day["moment"].min().to_pydatetime()
            found.append(Trouble("objective", one.name, arm, began, {**details, "target": one.target}))
    return found


def _unusual(calls: pd.DataFrame, arm: str, now: datetime) -> list[Trouble]:
    steps = medians(calls, until=now)
    strange = np.abs(unusual(np.log(steps["value"].clip(lower=1e-3)))) > THRESHOLD
    recent = np.flatnonzero(strange[-RECENT_STEPS:]) + max(len(steps) - RECENT_STEPS, 0)
    if not len(recent):
        return []
    first, worst = steps.iloc[recent[0]], steps.iloc[recent].iloc[-1]
    usual = float(steps["value"].iloc[: recent[0]].median())
    details = {"value": float(worst["value"]), "usual": usual, "n": int(worst["n"])}
    return [Trouble("anomaly", "p50_ms", arm, first["at"].to_pydatetime(), details)]


def medians(calls: pd.DataFrame, *, until: datetime | None = None) -> pd.DataFrame:
    """A row for each step of time from the first call to the last (or to ``until``): ``at`` (its start), ``value``
    (median duration in ms, NaN when the step has fewer than ``FEWEST_CALLS``) and ``n``; only steps that are over.
    """
    if calls.empty:
        return pd.DataFrame({"at": pd.Series(dtype="datetime64[ns, UTC]"), "value": [], "n": []})
    step = pd.Timedelta(minutes=STEP_MINUTES)
    last = calls["moment"].max() if until is None else pd.Timestamp(until) - step
    times = pd.date_range(calls["moment"].min().floor(step), last.floor(step), freq=step)
    groups = calls.groupby(calls["moment"].dt.floor(step))["duration_ms"]
    n = groups.size().reindex(times, fill_value=0)
    value = groups.median().reindex(times).where(n >= FEWEST_CALLS)
    return pd.DataFrame({"at": times, "value": value.to_numpy(), "n": n.to_numpy()})
