"""Whether people who rate notice twenty admins at once on the large study.

Admins open one page after the other, each a few seconds after the last was shown. Participants click stars all the
while, at Poisson times; the same clicks without any admin come first, after every page was opened once.
"""

import asyncio
import random
import sys
from pathlib import Path

from benchmarks.admin.large import SLUG
from benchmarks.admin.pages import admin_cookie
from benchmarks.web import load, serving
from benchmarks.web.client import Person
from recux.access.http import USER_COOKIE
from recux.ui.story import ADMIN_PAGES

ADMINS, PEOPLE = 20, 20
RATE, SECONDS, READING = 4.0, 30.0, 8.0
"""Clicks a second in all; seconds of each half; mean seconds that an admin looks at a page."""
TRIES = 3
"""A first opening may take longer than a visitor waits."""


def measure(url: str, home: Path) -> str:
    """The sentence of the table."""
    cookies = serving.plant_in(url, PEOPLE)
    command = [str(Path(sys.executable).parent / "recux"), "serve", "--no-worker", "--port", str(serving.free_port())]
    environment = {"RECUX_HOME": str(home), "RECUX_DATABASE_URL": url}
    server = serving.Server(command, environment, int(command[-1]), home / "web.log")
    with serving.running(server):
        return asyncio.run(_compare(server.address, cookies, f"{USER_COOKIE}={admin_cookie(url)}"))


async def _compare(address: str, cookies: list[str], admin: str) -> str:
    for page in ADMIN_PAGES:
        for _try in range(TRIES):
            if await _open(address, admin, page.name):
                break
    people = await load.opened(address, cookies, "rate")
    await load.clicks(people, load.rate_a_card, rate=RATE, seconds=SECONDS / 6)
    alone = await load.clicks(people, load.rate_a_card, rate=RATE, seconds=SECONDS)
    opened: list[str] = []
    admins = [asyncio.create_task(_look(address, admin, number, opened)) for number in range(ADMINS)]
    await asyncio.sleep(READING)
    beside = await load.clicks(people, load.rate_a_card, rate=RATE, seconds=SECONDS)
    for task in admins:
        task.cancel()
    await asyncio.gather(*admins, return_exceptions=True)
    slower = beside.quantile(0.5) / alone.quantile(0.5) - 1
    return (
        f"{ADMINS} admins at once ({len(opened)} pages opened): a participant's click takes"
        f" {beside.quantile(0.5):.0f} ms (p95 {beside.quantile(0.95):.0f}), alone {alone.quantile(0.5):.0f} ms"
        f" (p95 {alone.quantile(0.95):.0f}): {slower:+.0%} in the median (aim below +20 %)"
    )


async def _look(address: str, cookie: str, number: int, opened: list[str]) -> None:
    rng = random.Random(number)
    await asyncio.sleep(rng.uniform(0, READING))
    while True:
        page = rng.choice(ADMIN_PAGES).name
        if await _open(address, cookie, page):
            opened.append(page)
        await asyncio.sleep(rng.expovariate(1 / READING))


async def _open(address: str, cookie: str, page: str) -> bool:
    """Open a page once, in a new browser; whether it was there in time."""
    person = Person(f"ws://{address}", page, cookie, query=f"study={SLUG}")
    try:
        await person.open()
    except (TimeoutError, *Person.BROKEN):
        return False
    finally:
        await person.close()
    return True
