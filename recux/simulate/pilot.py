"""Writing a simulated pilot, through the same door as anyone's data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from sqlmodel import col, select

from db.engine import read_session, write_session
from db.queries import arms_of, study_by_slug
from db.tables import Participant, now
from recux.collect.studies import ArmDefinition, StudyDefinition, create_study, get_study, launch_study
from recux.errors import Conflict
from recux.ingest import import_rows
from recux.simulate.rows import feedback_rows, item_rows, participant_rows
from recux.simulate.truth import Truth, draw_truth
from recux.simulate.world import make_items, make_people

WEEKS = timedelta(days=21)
"""How far back a round's people started, unless told otherwise."""
OBJECTIVES = {"p95_ms": 900.0, "failure_rate": 0.02}
SOURCES: tuple[Literal["popularity", "content", "itemknn"], ...] = ("popularity", "content", "itemknn")
"""Where real visitors of a simulated study get their lists from, arm by arm."""
CONSENT = {
    "en": "This is a demonstration. Its other participants are simulated. What you enter is kept on this computer "
    "until the demonstration is reset, and you can export or erase it at any time. Do you agree to take part?",
    "zh_CN": "这是一个演示,其他参与者都是模拟的。您填写的内容只保存在这台电脑上,直到演示被重置;"
    "您可以随时导出或删除。您同意参加吗?",
}
TITLES = {"en": "Demonstration with simulated people", "zh_CN": "模拟参与者演示"}
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Plan:
    number: int
    participants: int
    items_each: int
    since: datetime
    until: datetime


def simulate_pilot(
    engine: sa.Engine,
    slug: str,
    *,
    participants: int = 60,
    seed: int = 1,
    items_each: int = 8,
    languages: tuple[str, ...] = ("en", "zh_CN"),
    arms: int = 2,
    planted: bool = True,
    since: datetime | None = None,
    until: datetime | None = None,
    say: Say | None = None,
) -> Truth:
    """Create the study ``slug``, labelled synthetic, with a first round of simulated people, and launch it.

    ``since`` and ``until`` bound the times at which people took part (default: the last three weeks). ``planted``
    False makes a placebo: nothing in it is worth a suggestion. ``say`` is told what is being written. The same
    arguments write the same rows.

    Raises:
        Conflict: there is a study ``slug`` already.
    """
    truth = draw_truth(seed, languages=languages, arms=arms, planted=planted)
    until = until or now()
    with write_session(engine) as session:
        create_study(session, slug, _definition(truth, items_each), synthetic=True, salt=f"simulated-{seed}-{slug}")
    _write(engine, slug, "items", item_rows(make_items(truth)), say)
    _round(engine, slug, truth, _Plan(1, participants, items_each, since or until - WEEKS, until), say)
    with write_session(engine) as session:
        launch_study(session, get_study(session, slug))
    return truth


def simulate_round(
    engine: sa.Engine,
    slug: str,
    truth: Truth,
    *,
    participants: int = 60,
    number: int = 2,
    items_each: int = 8,
    since: datetime | None = None,
    until: datetime | None = None,
    say: Say | None = None,
) -> None:
    """Add a round of new people in ``truth.arms``; with ``truth.with_fix(...)`` one of them no longer has a problem.

    Raises:
        Conflict: the study is not simulated, or lacks one of the arms.
    """
    with read_session(engine) as session:
        study = get_study(session, slug)
        if not study.synthetic:
            raise Conflict(f"the study {slug!r} holds real people; only a simulated one can be continued")
        missing = {arm.key for arm in truth.arms} - {arm.key for arm in arms_of(session, study.id or 0)}
    if missing:
        raise Conflict(f"the study {slug!r} has no arm {min(missing)!r}; add it before simulating its people")
    until = until or now()
    _round(engine, slug, truth, _Plan(number, participants, items_each, since or until - WEEKS, until), say)


def _round(engine: sa.Engine, slug: str, truth: Truth, plan: _Plan, say: Say | None) -> None:
    rng = np.random.default_rng([truth.seed, 10 + plan.number])
    first = _next_number(engine, slug)
    people = make_people(truth, rng, count=plan.participants, first=first, since=plan.since, until=plan.until)
    rows = feedback_rows(truth, rng, people, make_items(truth), plan.items_each)
    _write(engine, slug, "participants", participant_rows(people), say)
    for kind in ("slates", "interactions", "ratings", "responses", "requests"):
        _write(engine, slug, kind, getattr(rows, kind), say)


def _write(engine: sa.Engine, slug: str, kind: str, rows: Iterable[dict[str, Any]], say: Say | None) -> None:
    result = import_rows(engine, slug, kind, rows, source="simulation")
    if say:
        say(f"{result.written} {kind}")


def _next_number(engine: sa.Engine, slug: str) -> int:
    """One more than the highest number of a simulated person; real visitors have other names."""
    with read_session(engine) as session:
        study = study_by_slug(session, slug)
        assert study is not None  # it was created, or read, just now
        names = session.exec(
            select(Participant.external_id).where(
                Participant.study_id == study.id, col(Participant.external_id).like("sim-%")
            )
        )
        return 1 + max((int(name.removeprefix("sim-")) for name in names), default=0)


def _definition(truth: Truth, items_each: int) -> StudyDefinition:
    arms = [
        ArmDefinition(key=arm.key, title=arm.key.capitalize(), source=SOURCES[place % len(SOURCES)])
        for place, arm in enumerate(truth.arms)
    ]
    return StudyDefinition(
        title=TITLES[truth.languages[0]],
        languages=list(truth.languages),
        slate_size=items_each,
        instruments=["nps", "csat"],
        consent={language: CONSENT[language] for language in truth.languages},
        objectives=OBJECTIVES,  # type: ignore[arg-type]  # its keys are checked when it is read
        arms=arms,
    )
