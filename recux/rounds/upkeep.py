"""What has to be done again and again, by one worker at a time: close batches, look for alerts, keep time limits."""

import logging
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
from sqlmodel import select

from db.engine import engine_for, read_session, write_session
from db.tables import Study, now
from recux.rounds.leases import take_turn
from recux.rounds.queue import close_if_due, forget_finished, restart_orphans
from recux.settings import Settings

LOG = logging.getLogger("recux.worker")
QUEUE_MEMORY_DAYS = 30.0
"""How long the queue remembers rounds that are over."""


def upkeep(settings: Settings) -> None:
    """Do what is due. A task that fails is logged with its reason, and done again at its next turn."""
    engine = engine_for(settings.url)
    for name, every, task in TASKS:
        try:
            with write_session(engine) as session:
                mine = take_turn(session, name, every=every)
            if mine:
                task(settings)
        except sa.exc.OperationalError as error:
            LOG.warning("%s: the database is away (%s); again later", name, error.orig)
        except Exception:
            LOG.exception("%s failed; again in %.0f s", name, every)


def close_due(settings: Settings) -> None:
    """Close the batches of live studies that are full or old, unless the study's last round is still at work.

    A study whose batch cannot be closed is logged with its reason and holds up no other.
    """
    with read_session(engine_for(settings.url)) as session:
        studies = session.exec(select(Study.id, Study.slug).where(Study.status == "live")).all()
    for study_id, slug in studies:
        assert study_id is not None
        try:
            closed = close_if_due(settings, study_id)
        except sa.exc.OperationalError:
            raise  # the database is away, for the others too
        except Exception:
            LOG.exception("the batch of study %s could not be closed", slug)
            continue
        if closed is not None:
            LOG.info("closed batch %s of study %s", closed.number, slug)


def look_for_alerts(settings: Settings) -> None:
    """Open and close alerts on recommenders, and send them."""
    from recux.operate.alert_delivery import watch

    watch(settings, now())


def keep_limits(settings: Settings) -> None:
    """Delete what studies keep no longer."""
    from recux.operate.retention import clean

    clean(engine_for(settings.url), settings, now())


def keep_list_of_the_erased(settings: Settings) -> None:
    """Copy who was erased into the list beside the database."""
    from recux.operate.erasures import keep

    keep(engine_for(settings.url), settings.home)


TASKS: tuple[tuple[str, float, Callable[[Settings], object]], ...] = (
    ("close-batches", 15.0, close_due),
    ("restart-orphans", 30.0, restart_orphans),
    ("alerts", 60.0, look_for_alerts),
    ("list-of-the-erased", 15.0, keep_list_of_the_erased),
    ("retention", 3600.0, keep_limits),
    ("forget-finished", 3600.0, partial(forget_finished, days=QUEUE_MEMORY_DAYS)),
)
