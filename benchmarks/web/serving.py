"""The two servers of a run: recux as it is served, and a bare page under the same settings."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import sqlalchemy as sa

from db.engine import build_engine, write_session
from db.migrate import upgrade
from db.tables import Item, Participant, Study
from recux.access.http import PARTICIPANT_COOKIE
from recux.access.sessions import start_session
from recux.collect.consent import current_consent, decide
from recux.collect.studies import StudyDefinition, create_study, launch_study

ROOT = Path(__file__).parent.parent.parent
ITEMS = 40
SLATE = 8


@dataclass
class Server:
    """One web process; ``command`` starts it again on the same port and data."""

    command: list[str]
    environment: dict[str, str]
    port: int
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=os.environ | self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def processor_seconds(self) -> float:
        """Processor time that the process has used so far."""
        times = psutil.Process(self.process.pid).cpu_times() if self.process else None
        return float(times.user + times.system) if times else 0.0

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://{self.address}/_stcore/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, started, and killed at the end."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


def recux_server(home: Path) -> Server:
    """A recux on a fresh SQLite database in ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = database_url(home)
    upgrade(url)
    command = [str(Path(sys.executable).parent / "recux"), "serve", "--no-worker", "--port", str(port)]
    return Server(command, {"RECUX_HOME": str(home), "RECUX_DATABASE_URL": url}, port, home / "web.log")


def bare_server(home: Path) -> Server:
    """The bare page, with the settings and the web server that recux has."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).parent / "bare_page.py", home / "bare_page.py")
    port = free_port()
    script = (
        "import sys, uvicorn, streamlit as st; "
        "uvicorn.run(st.App(sys.argv[1]), port=int(sys.argv[2]), log_level='warning')"
    )
    command = [sys.executable, "-c", script, str(home / "bare_page.py"), str(port)]
    return Server(command, {"RECUX_BENCH_FILE": str(home / "bare.db")}, port, home / "bare.log")


def database_url(home: Path) -> str:
    """The SQLite database of a home."""
    return f"sqlite:///{home / 'recux.db'}"


def plant(home: Path, people: int) -> list[str]:
    """A live study with its questionnaires, and people who have consented; their cookies."""
    return plant_in(database_url(home), people)


def plant_in(url: str, people: int) -> list[str]:
    """`plant` in a database that there is already; each call makes another study."""
    engine = build_engine(url)
    definition = StudyDefinition(
        title="Spring pilot",
        slate_size=SLATE,
        instruments=["nps", "csat", "resque"],
        consent={"en": "Do you agree?", "zh_CN": "您同意吗？"},
    )
    with write_session(engine) as session:
        study = create_study(session, f"bench-{secrets.token_hex(3)}", definition)
        _plant_items(session, study)
        launch_study(session, study)
        cookies = [_plant_person(session, study, n) for n in range(people)]
    engine.dispose()
    return cookies


def _plant_items(session: sa.orm.Session, study: Study) -> None:
    session.add_all(
        Item(
            study_id=study.id,
            external_id=f"item-{n}",
            title=f"Linen summer dress number {n}",
            description="Loose fit, side pockets, washed linen. Falls just below the knee.",
            category=f"Category {n % 5}",
            tags=["linen", "summer"],
            price=20.0 + n,
        )
        for n in range(ITEMS)
    )
    session.flush()


def _plant_person(session: sa.orm.Session, study: Study, number: int) -> str:
    person = Participant(study_id=study.id, external_id=f"person-{number}")
    session.add(person)
    session.flush()
    decide(session, person, current_consent(session, person, "en"), given=True)
    return f"{PARTICIPANT_COOKIE}={start_session(session, participant=person, hours=4)}"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
