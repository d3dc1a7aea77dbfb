"""Building the demonstration: simulated people, whole rounds, and from the second on a fix that is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from db.engine import engine_for, read_session, write_session
from db.tables import Batch, Round, now
from recux.collect.studies import get_study
from recux.settings import Settings
from recux.simulate import Truth, simulate_pilot, simulate_round

ROUND_LENGTH = timedelta(days=14)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What is asked for."""

    settings: Settings
    participants: int
    rounds: int
    seed: int
    languages: tuple[str, ...]
    base_model: str | None
    slug: str
    say: Say

    @property
    def engine(self) -> sa.Engine:
        """The process's engine."""
        return engine_for(self.settings.url)


def build(demo: Demo) -> None:
    """Simulate and run every round. The study, and with it everything in it, is labelled synthetic."""
    from recux.demo.fix import adopt, tell_verdicts

    begin = now() - demo.rounds * ROUND_LENGTH
    demo.say(f"Simulating {demo.participants} people (synthetic, seed {demo.seed}) in the study {demo.slug!r} ...")
    truth = simulate_pilot(
        demo.engine,
        demo.slug,
        participants=demo.participants,
        seed=demo.seed,
        languages=demo.languages,
        since=begin,
        until=begin + ROUND_LENGTH,
    )
    run_round_of(demo)
    for number in range(2, demo.rounds + 1):
        if number == 2:
            truth = adopt(demo, truth)
        _simulate_more(demo, truth, number, begin + (number - 1) * ROUND_LENGTH)
        run_round_of(demo)
        tell_verdicts(demo, number)


def run_round_of(demo: Demo) -> Round:
    """Close what was collected and run its round in this process, telling each stage."""
    from recux.rounds.foreground import run_study

    with read_session(demo.engine) as session:
        study_id = get_study(session, demo.slug).id
    assert study_id is not None  # it was read from the database
    told: set[str] = set()
    begun = monotonic()

    def show(stage: str, _progress: dict[str, Any]) -> None:
        if stage not in told:
            told.add(stage)
            demo.say(f"  {monotonic() - begun:6.1f} s  {stage}")

    demo.say("Running a whole round in this process ...")
    asked = {"seed": demo.seed, "base_model": demo.base_model}
    config = {name: value for name, value in asked.items() if value is not None}
    return run_study(demo.settings, study_id, config=config, show=show)


def _simulate_more(demo: Demo, truth: Truth, number: int, since: datetime) -> None:
    # the batch before was closed today, weeks after its people came: their time and the next round's must not overlap
    with write_session(demo.engine) as session:
        before = (col(Batch.study_id) == get_study(session, demo.slug).id, col(Batch.number) == number - 1)
        session.connection().execute(sa.update(Batch).where(*before).values(closed_at=since))
    arms = " and ".join(repr(arm.key) for arm in truth.arms)
    demo.say(f"Simulating {demo.participants} more people (synthetic) in the arms {arms} ...")
    simulate_round(
        demo.engine,
        demo.slug,
        truth,
        participants=demo.participants,
        number=number,
        since=since,
        until=since + ROUND_LENGTH,
    )
