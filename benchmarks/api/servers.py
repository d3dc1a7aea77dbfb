"""The servers that are compared: recux as it is served, and the least that FastAPI and SQLAlchemy need for a row."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlmodel import Session

from db.engine import engine_for
from db.tables import Rating
from recux.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SERVE = "from recux.serve import serve; from recux.settings import Settings; serve(Settings(), worker=False)"
RECUX = ("-c", SERVE)
BARE = ("-m", "uvicorn", "benchmarks.api.servers:bare", "--factory", "--no-access-log", "--log-level", "warning")


class Row(BaseModel):
    """What the bare server takes."""

    participant: int
    item: int
    rating: float = Field(ge=1, le=5)
    comment: str | None = None


def bare() -> FastAPI:
    """One route: read JSON, check it, insert one rating by SQLAlchemy, commit, answer."""
    app = FastAPI()
    engine = engine_for(Settings().url)

    @app.get("/api/ready")
    def ready() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/rows")
    def write(row: Row) -> dict[str, int | None]:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            made = Rating(
                study_id=1,
                participant_id=row.participant,
                item_id=row.item,
                row_key=uuid4().hex,
                rating=row.rating,
                comment=row.comment,
                rated_at=datetime.now(UTC),
            )
            session.add(made)
        return {"id": made.id}

    return app


@contextmanager
def served(app: tuple[str, ...], url: str, home: Path) -> Iterator[int]:
    """Run one process on a free port until the block ends; what it prints goes to ``server.log`` in ``home``."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    ours = {"DATABASE_URL": url, "HOME": str(home), "SECRET_KEY": "b" * 40, "PORT": str(port)}
    environment = os.environ | {f"RECUX_{name}": value for name, value in ours.items()}
    more = ["--port", str(port)] if app is BARE else []
    with (home / "server.log").open("a") as log:
        process = subprocess.Popen([sys.executable, *app, *more], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError("the server ended")
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/ready", timeout=5):
                return
        except URLError:
            time.sleep(0.1)
    raise RuntimeError("the server did not become ready within a minute")
