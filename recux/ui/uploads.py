"""Files that came in through a page."""

import re
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from streamlit.runtime.uploaded_file_manager import UploadedFile

from recux.ingest.sources import open_source
from recux.ui import data


class Look(NamedTuple):
    """A first look into a file."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]


def keep(upload: UploadedFile) -> Path:
    """Write an upload to the folder of uploads, once, under a name that nobody else gets; returns where."""
    name = re.sub(r"[^\w.-]+", "_", Path(upload.name).name)[-100:]
    path = data.settings().folder("uploads") / upload.file_id / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{name}")
        unfinished.write_bytes(upload.getbuffer())
        unfinished.rename(path)
    return path


def look(path: Path, rows: int = 5) -> Look:
    """The columns and the first rows, as text. Raises InvalidInput for a file that cannot be read."""
    with open_source(path) as source:
        first = [{name: str(cell) for name, cell in record.cells.items()} for record in islice(source.records, rows)]
        return Look(source.columns, first)


def map_text(columns: dict[str, str], *, create_items: bool) -> str:
    """A map file that takes ``columns`` (ours -> theirs)."""
    quoted = (f'"{ours}" = "{_escape(theirs)}"' for ours, theirs in columns.items())
    return "\n".join(["[columns]", *quoted, "[options]", f"create_items = {str(create_items).lower()}", ""])


def _escape(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in text)
