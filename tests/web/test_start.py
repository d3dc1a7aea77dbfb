"""How the web process starts, in processes of its own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from db.engine import build_engine, write_session
from recux.access.invites import create_invites
from recux.errors import Unavailable
from recux.serve import listen
from tests.planting import plant_study

ROOT = Path(__file__).parent.parent.parent
LOOK = """
import sys, asyncio
from recux.serve import load_app
from recux import web
load_app()
web.load_code_of_pages()
loaded = {"torch", "transformers", "peft", "sentence_transformers"} & set(sys.modules)
sys.exit(f"loaded {loaded}" if loaded else 0)
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def invite(sqlite_url: str) -> str:
    engine = build_engine(sqlite_url)
    with write_session(engine) as session:
        token = create_invites(session, plant_study(session), participant_ids=["ann"])[0].token
    engine.dispose()
    return token


def environment(url: str, home: Path, port: int) -> dict[str, str]:
    ours = {"RECUX_DATABASE_URL": url, "RECUX_HOME": str(home), "RECUX_PORT": str(port)}
    return {name: value for name, value in os.environ.items() if not name.startswith("RECUX_")} | ours


def wait_until_ready(process: subprocess.Popen, port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/api/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not become ready")


def test_the_web_process_loads_neither_torch_nor_transformers(sqlite_url, tmp_path):
    looked = subprocess.run(
        [sys.executable, "-c", LOOK],
        check=False,
        env=environment(sqlite_url, tmp_path, 1),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert looked.returncode == 0, looked.stderr[-2000:]


LAUNCHERS = {
    "uvicorn": ["-m", "uvicorn", "streamlit_app:app", "--port", "{port}"],
    "streamlit": ["-m", "streamlit", "run", "streamlit_app.py", "--server.port", "{port}"],
    "serve": [
        "-c",
        "from recux.serve import serve; from recux.settings import Settings; serve(Settings(), worker=False)",
    ],
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_every_launcher_serves_the_routes_and_keeps_tokens_out_of_its_log(launcher, sqlite_url, tmp_path, port, invite):
    command = [part.format(port=port) if "{port}" in part else part for part in LAUNCHERS[launcher]]
    log = tmp_path / "log.txt"
    with log.open("w") as handle:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=environment(sqlite_url, tmp_path, port) | {"RECUX_LOG": "json"},
            cwd=ROOT,
            stdout=handle,
            stderr=handle,
        )
        try:
            wait_until_ready(process, port)
            joined = httpx.get(f"http://127.0.0.1:{port}/join/{invite}")
            assert joined.status_code == 303
            page = httpx.get(f"http://127.0.0.1:{port}/rounds")
            assert page.status_code == 200
            assert "Content-Security-Policy" in page.headers
            httpx.get(f"http://127.0.0.1:{port}/api/v1/studies/s/participants/somebody/consent")
            for figures in ("/metrics", "/_stcore/metrics"):
                from_elsewhere = {"x-forwarded-for": "203.0.113.5"}
                assert httpx.get(f"http://127.0.0.1:{port}{figures}", headers=from_elsewhere).status_code == 403
            said = log.read_text()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
    assert invite not in said
    assert invite not in log.read_text()
    if launcher == "serve":  # whose log is ours alone: an object a line, without addresses and names
        assert {json.loads(line)["logger"] for line in said.splitlines()} >= {"recux.requests"}
        assert "127.0.0.1" not in said
        assert "somebody" not in said


def test_a_worker_that_dies_is_started_again_and_ends_with_the_server(tmp_path):
    marks = tmp_path / "marks"
    worker = f"import os, time; open({str(marks)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    supervise = (
        "import signal, sys, time\nfrom recux import serve\nserve.FIRST_PAUSE = 0.1\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        f"with serve.supervised((sys.executable, '-c', {worker!r})):\n    time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", supervise], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        (first,) = _pids(marks, 1)
        os.kill(first, signal.SIGKILL)
        _first, second = _pids(marks, 2)
        assert _alive(second)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    assert not _alive(second)


@pytest.mark.parametrize("end_it", [subprocess.Popen.terminate, subprocess.Popen.kill])
def test_a_server_that_ends_takes_its_worker_along_even_when_it_is_killed(end_it, sqlite_url, tmp_path, port):
    command = "from recux.serve import serve; from recux.settings import Settings; serve(Settings(), worker=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", command],
        env=environment(sqlite_url, tmp_path, port),
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    lock = tmp_path / "locks" / "worker"
    try:
        wait_until_ready(process, port)
        end = time.monotonic() + 60
        while not (lock.exists() and lock.read_text()):
            assert time.monotonic() < end
            time.sleep(0.1)
        worker = int(lock.read_text())
        assert _alive(worker)
        end_it(process)
        process.wait(30)
        deadline = time.monotonic() + 15
        while _alive(worker) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        process.kill()
    assert not _alive(worker)


def _pids(marks: Path, count: int) -> list[int]:
    for _ in range(300):
        found = re.findall(r"\d+\n", marks.read_text()) if marks.exists() else []
        if len(found) == count:
            return [int(pid) for pid in found]
        time.sleep(0.1)
    raise AssertionError(f"no {count} workers within 30 s")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_taken_port_is_said_before_anything_starts(port):
    with listen("127.0.0.1", port) as holder:
        holder.listen()
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port}.*--port"):
            listen("127.0.0.1", port)


def test_an_answer_in_two_parts_does_not_wait_for_the_other_sides_acknowledgement(port):
    with listen("127.0.0.1", port) as listener:
        listener.listen()
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP  # what asyncio asks before it sets TCP_NODELAY
