"""What a participant waits for: recux beside a bare Streamlit page, in one run, on one machine.

    .venv/bin/python -m benchmarks.web            about six minutes
    .venv/bin/python -m benchmarks.web --quick    about one minute: fewer clicks, 500 answers in the ledger

Prints the table of docs/benchmarks.md. The bare page has one star widget in a fragment and one SQLite write; it runs
under the settings and the web server that recux has. Both servers run at once and take turns at being clicked
on, each on the same two cores as its clients and its browser.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.web import browser, ledger, load, serving
from benchmarks.web.serving import Server

PEOPLE = 50
RATE = 10.0
LADDER = (20.0, 40.0, 60.0, 80.0, 120.0, 160.0, 240.0, 320.0)
"""Clicks a second that are tried one after the other."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    turns: int
    """How often the two servers take turns, so that whatever else the machine does hits both."""
    seconds: float
    """Of clicking in a turn."""
    browser_clicks: int
    """In a turn."""
    paints: int
    answers: int


@dataclass
class Subject:
    """A server, how people use it, and what was measured so far."""

    server: Server
    cookies: list[str]
    page: str
    seen: str
    """Selector of what makes the page useful."""
    click: load.Click
    browser_clicks: Callable[[Page, int], list[float]]
    paints: list[float] = field(default_factory=list)
    """Seconds until a visitor sees the page, with nothing cached; the first one is the first after a start."""
    latencies: list[float] = field(default_factory=list)
    """Milliseconds from the moment when a click is due until it is confirmed."""
    in_browser: list[float] = field(default_factory=list)
    """Milliseconds of clicks in a browser while the others click."""
    cost: list[float] = field(default_factory=list)
    """Milliseconds of processor time of the server per click, by rung of the ladder that was tried."""
    sustained: float = 0.0
    """Highest rate of the ladder that was reached with a 95th percentile below 150 ms."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["load", "ledger"])
    given = parser.parse_args()
    plan = Plan(2, 6, 8, 2, 500) if given.quick else Plan(5, 15, 12, 5, 10_000)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if given.only != "ledger":
            _measure_both(_bare(home, plan), _recux(home, plan), plan)
        if given.only != "load":
            _print_ledger(home / "ledger", plan)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


def _bare(home: Path, plan: Plan) -> Subject:
    cookies = [""] * (PEOPLE + plan.paints + 2)
    server = serving.bare_server(home / "bare")
    return Subject(server, cookies, "", '[data-testid="stFeedback"]', load.rate_the_bare, browser.bare_stars)


def _recux(home: Path, plan: Plan) -> Subject:
    server = serving.recux_server(home / "recux")
    cookies = serving.plant(home / "recux", PEOPLE + plan.paints + 2)
    return Subject(server, cookies, "rate", ".stars", load.rate_a_card, browser.stars)


def _measure_both(bare: Subject, recux: Subject, plan: Plan) -> None:
    both = (bare, recux)
    with serving.running(bare.server), serving.running(recux.server):
        with browser.chromium() as chromium:
            _with_browser(both, chromium, plan)
        for one in both:
            one.sustained = asyncio.run(_highest_rate(one, plan))
    _print_table(bare, recux)


def _with_browser(both: tuple[Subject, Subject], chromium: Browser, plan: Plan) -> None:
    for turn in range(plan.paints + 1):
        for one in both:
            seconds = browser.first_paint(chromium, one.server.address, one.cookies[PEOPLE + turn], one.page, one.seen)
            one.paints.append(seconds)
    for _turn in range(plan.turns):
        for one in both:
            _one_turn(one, chromium, plan)


def _one_turn(one: Subject, chromium: Browser, plan: Plan) -> None:
    """The fifty click in a thread of their own, beside a browser."""
    connected = threading.Event()
    crowd = threading.Thread(target=lambda: asyncio.run(_crowd(one, connected, plan)), daemon=True)
    crowd.start()
    if not connected.wait(120):
        raise RuntimeError("the clients did not connect; see above")
    context, tab = browser.opened(chromium, one.server.address, one.cookies[-1], one.page)
    one.in_browser += one.browser_clicks(tab, plan.browser_clicks)
    context.close()
    crowd.join()


async def _crowd(one: Subject, connected: threading.Event, plan: Plan) -> None:
    people = await load.opened(one.server.address, one.cookies[:PEOPLE], one.page)
    await load.clicks(people, one.click, rate=RATE, seconds=2)
    connected.set()
    outcome = await load.clicks(people, one.click, rate=RATE, seconds=plan.seconds)
    one.latencies += outcome.latencies
    await asyncio.gather(*(person.close() for person in people))


async def _highest_rate(one: Subject, plan: Plan) -> float:
    people = await load.opened(one.server.address, one.cookies[:PEOPLE], one.page)
    reached = 0.0
    for rate in LADDER:
        before = one.server.processor_seconds()
        tried = await load.clicks(people, one.click, rate=rate, seconds=plan.seconds / 2)
        one.cost.append((one.server.processor_seconds() - before) * 1000 / len(tried.latencies))
        print(
            f"{'recux' if one.page else 'bare page'}: {rate:.0f} clicks/s asked, {tried.rate:.0f} reached, "
            f"median {tried.quantile(0.5):.1f} ms, p95 {tried.quantile(0.95):.1f} ms, "
            f"{one.cost[-1]:.1f} ms of processor time a click",
            flush=True,
        )
        if tried.quantile(0.95) > 150 or tried.rate < 0.9 * rate:
            break
        reached = tried.rate
    await asyncio.gather(*(person.close() for person in people))
    return reached


def _print_table(bare: Subject, recux: Subject) -> None:
    rows = [
        ("first useful paint, first visitor after a start, nothing cached", bare.paints[0], recux.paints[0], "s"),
        (
            f"first useful paint, median of {len(bare.paints) - 1} later visitors, nothing cached",
            statistics.median(bare.paints[1:]),
            statistics.median(recux.paints[1:]),
            "s",
        ),
        *_latencies(f"{PEOPLE} people, {RATE:.0f} clicks/s, websocket", bare.latencies, recux.latencies),
        *_latencies("a browser beside them", bare.in_browser, recux.in_browser),
        ("processor time of the server for a click, 20 clicks/s", bare.cost[0], recux.cost[0], "ms"),
    ]
    print("\n| | bare page | recux | ratio |\n|---|---|---|---|")
    for name, floor, ours, unit in rows:
        form = ".2f" if unit == "s" else ".1f"
        print(f"| {name} | {floor:{form}} {unit} | {ours:{form}} {unit} | {ours / floor:.1f} |")
    print(
        f"| highest rate held with p95 below 150 ms (tried: {', '.join(f'{rate:.0f}' for rate in LADDER)}) "
        f"| {bare.sustained:.0f}/s | {recux.sustained:.0f}/s | {recux.sustained / max(bare.sustained, 1):.2f} |"
    )


def _latencies(name: str, floor: list[float], ours: list[float]) -> list[tuple[str, float, float, str]]:
    return [
        (f"{name}: median", statistics.median(floor), statistics.median(ours), "ms"),
        (f"{name}: p95", statistics.quantiles(floor, n=20)[-1], statistics.quantiles(ours, n=20)[-1], "ms"),
    ]


def _print_ledger(home: Path, plan: Plan) -> None:
    server = serving.recux_server(home)
    cookies = serving.plant(home, PEOPLE)
    began = time.monotonic()
    with serving.running(server):
        kept = asyncio.run(ledger.fill(server, cookies, answers=plan.answers))
    print(
        f"\nLedger: {kept.answers} answers acknowledged by recux at {ledger.rate_of(kept, began):.0f} a second, "
        f"{kept.kills} SIGKILLs of the web process, {kept.broken} clicks cut off: "
        f"**{ledger.lost(home, kept)} acknowledged answers lost**."
    )


if __name__ == "__main__":
    main()
