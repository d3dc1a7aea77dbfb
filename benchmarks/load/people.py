"""Participants who click and keep a ledger, whatever becomes of the server: they do what the browser's script does."""

import asyncio
import json
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.web.client import Person


@dataclass
class Visitor(Person):
    """An open page that also notes what it says."""

    said: list[str] = field(default_factory=list)

    def _note(self, message: ForwardMsg) -> None:
        super()._note(message)
        if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in {"alert", "exception"}:
            self.said.append(element.alert.body if kind == "alert" else f"exception: {element.exception.message}")

    async def try_to_rate(self, name: str, value: int, nonce: str) -> bool:
        """Send a star once; whether the server says that it is kept (False: that its database is away)."""
        saved = self.seen["data"]["saved"].get(name)
        base = saved and saved["revision"]
        change = {"value": value, "text": None, "refused": False, "base": base, "nonce": nonce}

        def widget(message: BackMsg) -> None:
            one = message.rerun_script.widget_states.widgets.add()
            one.id = self.seen["board"]
            one.json_value = json.dumps({"pending": {name: change}, "at": time.time()})

        before = self.seen["data"]["at"]
        await self.run(widget, lambda _m: self.seen["data"]["at"] != before, self.seen["fragment"])
        data = self.seen["data"]
        return bool(data["settled"].get(name) == nonce and (data["saved"].get(name) or {}).get("value") == value)


@dataclass
class Ledger:
    """What people were told is kept: of each card of each person, the stars in order."""

    kept: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    open: dict[tuple[int, str], int] = field(default_factory=dict)
    """Clicks that nobody was told about yet when the time was over."""
    waits: list[float] = field(default_factory=list)
    """Seconds from a click to its confirmation, with everything that happened in between."""
    broken: int = 0
    resent: int = 0
    said: Counter[str] = field(default_factory=Counter)
    """What pages said while the database was away."""

    @property
    def answers(self) -> int:
        """Acknowledged answers."""
        return sum(len(values) for values in self.kept.values())


async def take_part(
    number: int, url: str, cookie: str, ledger: Ledger, until: float, pause: float, door: asyncio.Semaphore
) -> None:
    """One person: a star about every ``pause`` seconds until ``until`` (monotonic); a click is sent until confirmed."""
    rng = random.Random(number)
    visitor: Visitor | None = None
    click: tuple[str, int, str, float] | None = None
    while time.monotonic() < until or click is not None:
        if time.monotonic() > until + 60:
            break
        try:
            if visitor is None:
                fresh = Visitor(url, "rate", cookie, source=f"127.0.{1 + number % 250}.1")  # a proxy goes by it
                visitor = await _opened(fresh, door, ledger)
            if click is None:
                await asyncio.sleep(rng.expovariate(1 / pause))
                if time.monotonic() > until:
                    break
                click = _next_click(visitor, rng)
                ledger.open[number, click[0]] = click[1]
            name, value, nonce, began = click
            now = (visitor.seen["data"]["saved"].get(name) or {}).get("value")
            if now == value or await visitor.try_to_rate(name, value, nonce):
                ledger.kept.setdefault((number, name), []).append(value)
                ledger.waits.append(time.monotonic() - began)
                del ledger.open[number, name]
                click = None
            else:
                ledger.resent += 1
                await asyncio.sleep(0.5)
        except (OSError, EOFError, KeyError, TimeoutError, *Person.BROKEN):
            ledger.broken += 1
            await _hung_up(visitor)
            visitor = None
            await asyncio.sleep(rng.uniform(0.5, 3.0))
    await _hung_up(visitor)


async def _opened(visitor: Visitor, door: asyncio.Semaphore, ledger: Ledger) -> Visitor:
    async with door:
        try:
            async with asyncio.timeout(20):
                await visitor.open()
        finally:
            ledger.said.update(visitor.said)
        if "data" not in visitor.seen or "stars" not in visitor.seen:
            await _hung_up(visitor)
            raise EOFError("the page has no board now")
        return visitor


def _next_click(visitor: Visitor, rng: random.Random) -> tuple[str, int, str, float]:
    name = rng.choice(visitor.stars)
    now = (visitor.seen["data"]["saved"].get(name) or {}).get("value")
    return name, rng.choice([stars for stars in range(1, 6) if stars != now]), secrets.token_hex(6), time.monotonic()


async def _hung_up(visitor: Visitor | None) -> None:
    if visitor is not None:
        try:
            async with asyncio.timeout(2):
                await visitor.close()
        except (OSError, EOFError, TimeoutError, *Person.BROKEN):
            pass


def faults(ledger: Ledger, stored: dict[tuple[int, str], list[int]]) -> tuple[int, int]:
    """Acknowledged answers that are not stored in their order, and stored ones that nobody gave (doubled)."""
    lost = doubled = 0
    for key in {*ledger.kept, *stored}:
        said, found = ledger.kept.get(key, []), list(stored.get(key, []))
        if found and key in ledger.open and found[-1] == ledger.open[key] and len(found) > len(said):
            found.pop()  # kept, though nobody was told before the time was over
        lost += len(said) - _common(said, found)
        doubled += len(found) - _common(said, found)
    return lost, doubled


def _common(a: list[int], b: list[int]) -> int:
    """Length of the longest common subsequence."""
    row: list[int] = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for place, y in enumerate(b, start=1):
            row[place] = before[place - 1] + 1 if x == y else max(before[place], row[place - 1])
    return row[-1]


def summary(ledger: Ledger) -> dict[str, Any]:
    """The middle, and the slow end, of the waits in seconds."""
    waits = sorted(ledger.waits)
    return {"median": waits[len(waits) // 2], "p99": waits[int(len(waits) * 0.99)], "longest": waits[-1]}
