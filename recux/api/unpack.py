"""Parquet from strangers, turned into JSON Lines by a process that may use only so much memory, time and disk.

A few kilobytes of Parquet can unpack to many gigabytes, and what its footer says about that may be a lie.
"""

import json
import resource
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from recux.errors import InvalidInput

MEMORY = 3 << 30
"""Bytes of address space; the library alone takes about one gigabyte of it."""
CPU_SECONDS = 120
ROWS_AT_ONCE = 1000
TOO_LARGE = 3
REFUSED = 4


def to_json_lines(path: Path, *, largest: int) -> Path:
    """The rows of a Parquet file as a JSON Lines file beside it, at most ``largest`` bytes.

    Raises InvalidInput when the file is damaged, holds no rows or two columns of one name, or unpacks to more than is
    allowed.
    """
    target = path.with_suffix(".jsonl")
    command = [sys.executable, "-m", "recux.api.unpack", str(path), str(target), str(largest)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return target
    if done.returncode == REFUSED:
        raise InvalidInput(done.stderr.strip())
    words = done.stderr.strip().splitlines()[-1][:200] if done.returncode == 1 and done.stderr.strip() else ""
    if done.returncode == TOO_LARGE or not words or "MemoryError" in words or "allocat" in words:
        raise InvalidInput(
            f"the Parquet file unpacks to more than {largest >> 20} MB or takes too long; send it in parts"
        )
    raise InvalidInput(f"the Parquet file cannot be read: {words}")


def main(source: str, target: str, largest: int) -> int:
    """Do it, within limits; the exit code says how it went."""
    import pyarrow.parquet as pq

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    file = pq.ParquetFile(source)
    names = file.schema_arrow.names
    if len(set(names)) < len(names) or not file.metadata.num_rows:
        why = "has two columns of one name" if file.metadata.num_rows else "holds no rows"
        print(f"the Parquet file {why}", file=sys.stderr)
        return REFUSED
    written = 0
    with Path(target).open("w", encoding="utf-8") as lines:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
            if batch.nbytes > largest:
                return TOO_LARGE
            for row in batch.to_pylist():
                line = json.dumps(row, default=_plain) + "\n"
                written += len(line)
                if written > largest:
                    return TOO_LARGE
                lines.write(line)
    return 0


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}  # no more a text than bytes are: whoever reads the cell refuses it
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
