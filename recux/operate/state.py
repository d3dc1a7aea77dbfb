"""The service's figures in the text format that Prometheus reads at ``/metrics``.

Counters and durations are this process's own: each web process is scraped by itself. What is in the database (queue,
rounds, workers, alerts) is read when it is asked for, and is the same from every process.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlmodel import Session, col, select

from db.engine import read_session
from db.tables import Alert, Round, now
from recux.operate.metrics import REGISTRY
from recux.rounds.leases import live_workers
from recux.rounds.queue import GPU_QUEUE, QUEUE, queue_of


def text(engine: sa.Engine) -> bytes:
    """Everything, in Prometheus's text format. A database that is away shows as ``recux_database_up 0``."""
    stored = CollectorRegistry()
    stored.register(_Once(_stored(engine)))
    return generate_latest(REGISTRY) + generate_latest(stored)


class _Once(Collector):
    """What was read for one answer."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> list[GaugeMetricFamily]:
        """The same again."""
        return self._families


def _stored(engine: sa.Engine) -> list[GaugeMetricFamily]:
    up = GaugeMetricFamily("recux_database_up", "Whether the database answers.")
    try:
        with read_session(engine) as session:
            families = [*_rounds(session), _workers(session), _alerts(session)]
    except sa.exc.SQLAlchemyError:
        up.add_metric([], 0)
        return [up]
    up.add_metric([], 1)
    return [up, *families]


def _rounds(session: Session) -> Iterator[GaugeMetricFamily]:
    depth = GaugeMetricFamily("recux_queue_depth", "Rounds that wait for a worker.", labels=["queue"])
    waited = GaugeMetricFamily(
        "recux_queue_oldest_seconds", "How long the round that waits longest has waited.", labels=["queue"]
    )
    at_work = session.exec(select(Round).where(col(Round.status).in_(("queued", "running")))).all()
    for queue in (QUEUE, GPU_QUEUE):
        ages = [_age(one) for one in at_work if one.status == "queued" and queue_of(one.config) == queue]
        depth.add_metric([queue], len(ages))
        waited.add_metric([queue], max(ages, default=0.0))
    states = GaugeMetricFamily("recux_rounds", "Rounds by state.", labels=["status"])
    for status, rows in session.connection().execute(
        sa.select(col(Round.status), sa.func.count()).group_by(col(Round.status))
    ):
        states.add_metric([status], rows)
    running = GaugeMetricFamily("recux_round_running_seconds", "Age of the longest running round.")
    running.add_metric([], max((_age(one) for one in at_work if one.status == "running"), default=0.0))
    yield from (depth, waited, states, running)


def _age(round_: Round) -> float:
    return max(0.0, (now() - (round_.started_at or round_.created_at)).total_seconds())


def _workers(session: Session) -> GaugeMetricFamily:
    family = GaugeMetricFamily("recux_workers", "Workers that are alive, by queue.", labels=["queue"])
    alive = live_workers(session)
    for queue in (QUEUE, GPU_QUEUE):
        family.add_metric([queue], sum(queue in lease.queues for lease in alive))
    return family


def _alerts(session: Session) -> GaugeMetricFamily:
    family = GaugeMetricFamily("recux_open_alerts", "Open alerts on recommenders, by rule.", labels=["rule"])
    still_open = sa.select(col(Alert.rule), sa.func.count()).where(col(Alert.closed_at).is_(None))
    for rule, rows in session.connection().execute(still_open.group_by(col(Alert.rule))):
        family.add_metric([rule], rows)
    return family
