"""Is an acknowledged answer ever lost? Clients keep a ledger while the web process is killed at random moments."""

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import select

from benchmarks.web.client import Person
from benchmarks.web.serving import Server, database_url
from db.engine import build_engine, read_session
from db.tables import Impression, Rating

LIFE = (6.0, 20.0)
"""Seconds that the server lives between a start and a SIGKILL, evenly drawn."""


@dataclass
class Ledger:
    """What clients were told is kept: for each question of each person, the values in order."""

    acknowledged: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    kills: int = 0
    broken: int = 0
    """Clicks that were on their way when the process died; nobody was told that they are kept."""

    @property
    def answers(self) -> int:
        """Acknowledged answers."""
        return sum(len(values) for values in self.acknowledged.values())


async def fill(server: Server, cookies: list[str], *, answers: int, seed: int = 1) -> Ledger:
    """Click until ``answers`` were acknowledged, killing the server at random moments."""
    ledger, rng = Ledger(), random.Random(seed)
    up, door = asyncio.Event(), asyncio.Semaphore(5)
    up.set()

    async def click_on(cookie: str) -> None:
        person = Person(f"ws://{server.address}", "rate", cookie)
        while ledger.answers < answers:
            await up.wait()
            try:
                async with door:  # after a restart not all pages are opened in the same instant
                    await person.open()
                await _click(person, ledger, answers, rng)
            except (OSError, EOFError, *Person.BROKEN):
                ledger.broken += 1
                await asyncio.sleep(0.2)

    people = [asyncio.create_task(click_on(cookie)) for cookie in cookies]
    killer = asyncio.create_task(_kill_now_and_then(server, up, ledger, rng))
    await asyncio.gather(*people)
    killer.cancel()
    await asyncio.gather(killer, return_exceptions=True)
    return ledger


def lost(home: Path, ledger: Ledger) -> int:
    """Acknowledged answers that the database has no revision of, or whose order it has wrong."""
    engine = build_engine(database_url(home))
    with read_session(engine) as session:
        rows = session.exec(
            select(Impression.id, Rating.rating)
            .where(Impression.slate_id == Rating.slate_id, Impression.item_id == Rating.item_id)
            .order_by(Rating.id)  # type: ignore[arg-type]
        ).all()
    engine.dispose()
    kept: dict[int, list[int]] = defaultdict(list)
    for impression, stars in rows:
        kept[impression or 0].append(int(stars))
    return sum(
        _missing(values, kept[int(name.split("/")[0])]) for (name, _person), values in ledger.acknowledged.items()
    )


def _missing(acknowledged: list[int], kept: list[int]) -> int:
    """How many of ``acknowledged`` are not found in ``kept``, in the same order."""
    place, missing = 0, 0
    for value in acknowledged:
        try:
            place = kept.index(value, place) + 1
        except ValueError:
            missing += 1
    return missing


async def _click(person: Person, ledger: Ledger, answers: int, rng: random.Random) -> None:
    who, turn = id(person), rng.randrange(8)
    while ledger.answers < answers:
        name = person.stars[turn % len(person.stars)]
        kept = person.seen["data"]["saved"].get(name)
        value = rng.choice([stars for stars in range(1, 6) if not kept or stars != kept["value"]])
        await person.rate(name, value)
        ledger.acknowledged[name, who].append(value)
        turn += 1


async def _kill_now_and_then(server: Server, up: asyncio.Event, ledger: Ledger, rng: random.Random) -> None:
    while True:
        await asyncio.sleep(rng.uniform(*LIFE))
        up.clear()
        server.kill()
        ledger.kills += 1
        await asyncio.to_thread(server.start)
        up.set()


def rate_of(ledger: Ledger, began: float) -> float:
    """Acknowledged answers a second since ``began``."""
    return ledger.answers / (time.monotonic() - began)
