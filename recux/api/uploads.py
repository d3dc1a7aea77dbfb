"""Large bodies: written to a file as they come, unpacked under a limit, so that a transaction never waits for them."""

import hashlib
import shutil
import tempfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from recux.api.bodies import refuse_large
from recux.api.problems import Refusal

PARQUET = "application/vnd.apache.parquet"
SUFFIX = {"application/x-ndjson": ".jsonl", "application/jsonl": ".jsonl", "text/csv": ".csv", PARQUET: ".parquet"}
"""Content types that are taken as files -> what the file is called."""
SPOOL = "api-"
"""How folders of bodies begin; ``recux.operate.retention`` sweeps those that a killed process left."""
LONGEST_LINE = 1 << 20
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")
"""How compressed files begin; what comes compressed says so in Content-Encoding."""


@dataclass(frozen=True)
class Upload:
    """A body on disk."""

    path: Path
    sha256: str
    """Of the body as it was sent."""


@asynccontextmanager
async def spooled(request: Request, suffix: str, folder: Path, largest: int) -> AsyncIterator[Upload]:
    """The body as a file in a folder of its own below ``folder``, removed afterwards.

    ``Content-Encoding: gzip`` is undone, to at most ``largest`` bytes. Raises Refusal (400, 413, 415).
    """
    place = Path(tempfile.mkdtemp(dir=folder, prefix=SPOOL))
    try:
        path = place / f"api{suffix}"
        with path.open("wb") as file:
            digest = await _write(request, _Writer(file, largest, by_line=suffix == ".jsonl"))
        yield Upload(path, digest)
    finally:
        await run_in_threadpool(shutil.rmtree, place, ignore_errors=True)


async def _write(request: Request, writer: "_Writer") -> str:
    unpack = _unpacker(request.headers.get("content-encoding", "identity").strip().lower())
    digest = hashlib.sha256()
    async for part in request.stream():
        digest.update(part)
        if unpack is None:
            writer.write(part)
            continue
        while part:
            writer.write(_unpacked(unpack, part))
            part = unpack.unconsumed_tail  # noqa: PLW2901 - what did not fit into the last piece
    if unpack is not None and not unpack.eof:
        raise Refusal(400, "the gzip data end too early; send the body again")
    if not writer.written:
        raise Refusal(400, "the body is empty")
    return digest.hexdigest()


def _unpacker(encoding: str) -> "zlib._Decompress | None":
    if encoding in {"", "identity"}:
        return None
    if encoding == "gzip":
        return zlib.decompressobj(wbits=31)
    raise Refusal(415, "Content-Encoding may be gzip or absent")


def _unpacked(unpack: "zlib._Decompress", part: bytes) -> bytes:
    try:
        plain = unpack.decompress(part, 1 << 20)
    except zlib.error as error:
        raise Refusal(400, f"the body is not gzip data: {error}") from None
    if unpack.unused_data:
        raise Refusal(400, "something follows the gzip data; send one gzip stream")
    return plain


class _Writer:
    """Writes to a file, and refuses what is too large, packed twice, or one endless line."""

    def __init__(self, file: IO[bytes], largest: int, *, by_line: bool) -> None:
        self.file, self.largest, self.by_line = file, largest, by_line
        self.written = 0
        self._line = 0
        self._start = b""

    def write(self, part: bytes) -> None:
        self.written += len(part)
        refuse_large(self.written, self.largest)
        if len(self._start) < 8:
            self._start += part[:8]
            if self._start.startswith(PACKED):
                raise Refusal(415, "the body is a compressed file; send gzip with Content-Encoding: gzip")
        if self.by_line:
            self._measure(part)
        self.file.write(part)

    def _measure(self, part: bytes) -> None:
        last = part.rfind(b"\n")
        longest = self._line + (len(part) if last < 0 else part.find(b"\n"))
        self._line = self._line + len(part) if last < 0 else len(part) - last - 1
        if longest > LONGEST_LINE:
            raise Refusal(413, f"a line is longer than {LONGEST_LINE // 1024:,} KB", headers={"Connection": "close"})
