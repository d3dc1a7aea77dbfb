"""Where the public data sets lie that benchmarks and tests read; docs/benchmarks.md says which they are."""

import os
import sys
from pathlib import Path

VARIABLE = "RECUX_DATA"
BESIDE = Path(__file__).parents[2] / "shared" / "data"
"""Where they are looked for unless the variable names another folder: beside the checkout."""


def data_folder() -> Path:
    """Their folder, which need not exist."""
    return Path(os.environ.get(VARIABLE) or BESIDE)


def absent(path: Path) -> str:
    """What to say where ``path`` is not there."""
    return f"{path} is not there; {VARIABLE} names the folder of the public data sets, see docs/benchmarks.md"


def data_set(name: str) -> Path:
    """A file or folder among them. Ends the program with one line where it is not there."""
    path = data_folder() / name
    if not path.exists():
        sys.exit(absent(path))
    return path
