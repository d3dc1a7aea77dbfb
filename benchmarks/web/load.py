"""Fifty people connected, so many clicks a second in all: how long until a star is saved and confirmed."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.web.client import Person

Click = Callable[[Person, int], Awaitable[float]]


@dataclass(frozen=True)
class Outcome:
    """Latencies of one run, in milliseconds, and the rate that was reached."""

    latencies: list[float]
    wanted: float
    """Clicks a second."""
    seconds: float

    @property
    def rate(self) -> float:
        """Clicks a second that were confirmed."""
        return len(self.latencies) / self.seconds

    def quantile(self, q: float) -> float:
        """Milliseconds."""
        return float(np.quantile(self.latencies, q))


async def opened(address: str, cookies: list[str], page: str) -> list[Person]:
    """People with their page open, five at a time."""
    people = [Person(f"ws://{address}", page, cookie) for cookie in cookies]
    for start in range(0, len(people), 5):
        await asyncio.gather(*(person.open() for person in people[start : start + 5]))
    return people


async def clicks(people: list[Person], click: Click, *, rate: float, seconds: float, seed: int = 1) -> Outcome:
    """Clicks at Poisson times, each by the person who rested longest; latency counts from when a click was due.

    Counting from the due time keeps a slow server from hiding its queue (coordinated omission).
    """
    rng = random.Random(seed)
    resting: asyncio.Queue[Person] = asyncio.Queue()
    for person in people:
        resting.put_nowait(person)
    latencies: list[float] = []

    async def one(due: float) -> None:
        person = await resting.get()
        waited = max(0.0, time.perf_counter() - due)
        latencies.append(waited * 1000 + await click(person, rng.randint(1, 5)))
        resting.put_nowait(person)

    began = due = time.perf_counter()
    tasks = []
    while (due := due + rng.expovariate(rate)) < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    return Outcome(latencies, rate, time.perf_counter() - began)


async def rate_a_card(person: Person, value: int) -> float:
    """Another of the person's cards gets stars that differ from those it has."""
    turn = person.seen["turn"] = person.seen.get("turn", -1) + 1
    name = person.stars[turn % len(person.stars)]
    kept = person.seen["data"]["saved"].get(name)
    if kept and kept["value"] == value:
        value = value % 5 + 1
    return await person.rate(name, value)


async def rate_the_bare(person: Person, value: int) -> float:
    """The bare page's star, which differs from the one before."""
    if person.seen.get("value") == value:
        value = value % 5 + 1
    person.seen["value"] = value
    return await person.rate_bare(value)
