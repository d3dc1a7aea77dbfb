"""Figures of this process: what it counted and timed since it started. ``recux.operate.state`` adds the database's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from recux.operate.logs import PARTICIPANT

SAVE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CALL_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0)

REGISTRY = CollectorRegistry()
ANSWERS = Counter("recux_answers", "Ratings and answers that were saved.", ["kind"], registry=REGISTRY)
UNSAVED = Counter("recux_answers_not_saved", "Ratings and answers whose saving failed.", ["kind"], registry=REGISTRY)
SAVE = Histogram(
    "recux_save_seconds", "From an answer's arrival to its commit.", ["kind"], buckets=SAVE_BUCKETS, registry=REGISTRY
)
CALL = Histogram(
    "recux_recommender_seconds",
    "Calls to recommenders under test.",
    ["outcome"],
    buckets=CALL_BUCKETS,
    registry=REGISTRY,
)
HTTP = Histogram(
    "recux_http_seconds", "HTTP requests.", ["area", "method", "status"], buckets=SAVE_BUCKETS, registry=REGISTRY
)
VISITS = Gauge("recux_open_pages", "Pages that are open in browsers.", registry=REGISTRY)
ProcessCollector(registry=REGISTRY)


@contextmanager
def saving(kind: str, participant_id: int | None = None) -> Iterator[None]:
    """Time the saving of one rating or answer (``kind``); one that raises counts as not saved.

    What is logged meanwhile carries the participant's number.
    """
    began, before = time.perf_counter(), PARTICIPANT.set(participant_id)
    try:
        yield
    except BaseException:
        UNSAVED.labels(kind).inc()
        raise
    finally:
        PARTICIPANT.reset(before)
    saved(kind, time.perf_counter() - began)


def saved(kind: str, seconds: float) -> None:
    """Note that a rating or answer (``kind``) was saved, so many seconds after it came."""
    ANSWERS.labels(kind).inc()
    SAVE.labels(kind).observe(seconds)


def called(outcome: str, milliseconds: float) -> None:
    """Note one call to a recommender: ``ok``, ``error`` or ``timeout``."""
    CALL.labels(outcome).observe(milliseconds / 1000)
