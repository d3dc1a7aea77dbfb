"""What a participant waits for: recux beside a bare Streamlit page, in one run, on one machine.

    .venv/bin/python -m benchmarks.web            about six minutes
    .venv/bin/python -m benchmarks.web --quick    about one minute: fewer clicks, 500 answers in the ledger

Prints the table of docs/benchmarks.md. The bare page has one star widget in a fragment and one SQLite write; it runs
under the settings and the web server that recux has. Both servers run one after the other, each on the same two cores
as its clients and its browser.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.web import browser, ledger, load, serving
from benchmarks.web.serving import Server

PEOPLE = 50
RATE = 10.0
LADDER = (20.0, 40.0, 80.0, 160.0, 320.0)
"""Clicks a second that are tried one after the other."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    seconds: float
    browser_clicks: int
    paints: int
    answers: int


@dataclass(frozen=True)
class Measured:
    """One server's figures."""

    paint_first: float
    """Seconds until the first visitor after a start of the server sees the page; nothing is cached."""
    paint: float
    """Median of later visitors, each with an empty cache."""
    clicks: load.Outcome
    in_browser: list[float]
    """Milliseconds of clicks in a browser while the others click."""
    sustained: float
    """Highest rate of the ladder that was reached with a 95th percentile below 150 ms."""


@dataclass(frozen=True)
class Subject:
    """A server, and how people use it."""

    server: Server
    cookies: list[str]
    page: str
    seen: str
    """Selector of what makes the page useful."""
    click: load.Click
    browser_clicks: Callable[[Page, int], list[float]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["load", "ledger"])
    given = parser.parse_args()
    plan = Plan(8, 12, 2, 500) if given.quick else Plan(45, 40, 5, 10_000)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if given.only != "ledger":
            _print_table(_bare(home, plan), _recux(home, plan), plan)
        if given.only != "load":
            _print_ledger(home / "ledger", plan)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


def _bare(home: Path, plan: Plan) -> Measured:
    cookies = [""] * (PEOPLE + plan.paints + 2)
    server = serving.bare_server(home / "bare")
    seen = '[data-testid="stFeedback"]'
    return _measure(Subject(server, cookies, "", seen, load.rate_the_bare, browser.bare_stars), plan)


def _recux(home: Path, plan: Plan) -> Measured:
    server = serving.recux_server(home / "recux")
    cookies = serving.plant(home / "recux", PEOPLE + plan.paints + 2)
    return _measure(Subject(server, cookies, "rate", ".stars", load.rate_a_card, browser.stars), plan)


def _measure(subject: Subject, plan: Plan) -> Measured:
    others, mine = subject.cookies[PEOPLE:], subject.cookies[:PEOPLE]
    with serving.running(subject.server) as server, browser.chromium() as chromium:
        paints = [
            browser.first_paint(chromium, server.address, cookie, subject.page, subject.seen)
            for cookie in others[: plan.paints + 1]
        ]
        crowd = _Crowd(subject, mine, plan)
        crowd.start()
        crowd.connected.wait(120)
        context, tab = browser.opened(chromium, server.address, others[-1], subject.page)
        in_browser = subject.browser_clicks(tab, plan.browser_clicks)
        context.close()
        crowd.join()
    if crowd.outcome is None:
        raise RuntimeError("the clients stopped early; see above")
    return Measured(paints[0], statistics.median(paints[1:]), crowd.outcome, in_browser, crowd.sustained)


class _Crowd(threading.Thread):
    """The fifty, in a thread of their own beside the browser."""

    def __init__(self, subject: Subject, cookies: list[str], plan: Plan) -> None:
        super().__init__(daemon=True)
        self.subject, self.cookies, self.plan = subject, cookies, plan
        self.connected = threading.Event()
        self.outcome: load.Outcome | None = None
        self.sustained = 0.0

    def run(self) -> None:
        """Connect, click at the wanted rate, then at higher ones until it is too much."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        people = await load.opened(self.subject.server.address, self.cookies, self.subject.page)
        await load.clicks(people, self.subject.click, rate=RATE, seconds=3)
        self.connected.set()
        self.outcome = await load.clicks(people, self.subject.click, rate=RATE, seconds=self.plan.seconds)
        for rate in LADDER:
            tried = await load.clicks(people, self.subject.click, rate=rate, seconds=min(8, self.plan.seconds))
            if tried.quantile(0.95) > 150 or tried.rate < 0.9 * rate:
                break
            self.sustained = tried.rate
        await asyncio.gather(*(person.close() for person in people))


def _print_table(bare: Measured, recux: Measured, plan: Plan) -> None:
    rows = [
        ("first useful paint, first visitor after a start, nothing cached", bare.paint_first, recux.paint_first, "s"),
        (f"first useful paint, median of {plan.paints} later visitors, nothing cached", bare.paint, recux.paint, "s"),
        *_latencies(f"{PEOPLE} people, {RATE:.0f} clicks/s, websocket", bare.clicks.latencies, recux.clicks.latencies),
        *_latencies("a browser beside them", bare.in_browser, recux.in_browser),
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
