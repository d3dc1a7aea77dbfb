"""A real web process for browser tests: started, asked until it answers, killed and started again."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent.parent
COMMAND = "from recux.serve import serve; from recux.settings import Settings; serve(Settings(), worker=False)"


@dataclass
class Server:
    """One web process and the folder and database that it works on."""

    home: Path
    database_url: str
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers; its output is in ``web.log`` of the home."""
        values = {"HOME": self.home, "DATABASE_URL": self.database_url, "HOST": "127.0.0.1", "PORT": self.port}
        environment = os.environ | {f"RECUX_{name}": str(value) for name, value in values.items()}
        with (self.home / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self._wait()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, (self.home / "web.log").read_text()[-2000:]
            try:
                if httpx.get(f"{self.url}/_stcore/health", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"the web process did not answer: {(self.home / 'web.log').read_text()[-2000:]}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
