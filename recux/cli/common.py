"""What commands share: the database, output, progress."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from recux.errors import InvalidInput, NotFound, Unavailable
from recux.settings import Settings

StudyOption = Annotated[str, typer.Option("--study", metavar="SLUG", help="The study's short name.")]
SlugArgument = Annotated[str, typer.Argument(metavar="SLUG", help="The study's short name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]


def database(settings: Settings) -> sa.Engine:
    """The engine of a database whose schema fits this version; an empty database is migrated first."""
    from db.engine import engine_for
    from db.migrate import status, upgrade

    current, newest = status(settings.url)
    if current is None:
        upgrade(settings.url)
    elif current != newest:
        raise Unavailable(
            f"the database has schema {current}, this version of recux needs {newest}; "
            "run `recux db upgrade` (after a backup)"
        )
    return engine_for(settings.url)


@contextmanager
def as_file(file: Path | None) -> Iterator[Path]:
    """The file itself, or a copy of what can be read only once: standard input (None or ``-``), a pipe, a device.

    Raises NotFound when there is no such file, InvalidInput when it is a folder.
    """
    standard = file is None or str(file) == "-"
    if file is not None and not standard:
        if not file.exists():
            raise NotFound(f"{file}: there is no such file")
        if file.is_dir():
            raise InvalidInput(f"{file} is a folder, not a file")
        if file.is_file():
            yield file
            return
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("standard input" if file is None or standard else file.name)
        with path.open("wb") as copy:
            if file is None or standard:
                shutil.copyfileobj(sys.stdin.buffer, copy)
            else:
                with file.open("rb") as source:
                    shutil.copyfileobj(source, copy)
        yield path


def emit(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, indent=2, default=str, allow_nan=False))


def say(line: str) -> None:
    """A remark for the person, on standard error."""
    print(line, file=sys.stderr)


def show_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns of text on standard output, aligned, without cutting anything off."""
    cells = [[str(cell) if cell is not None else "-" for cell in row] for row in [headers, *rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(headers))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress display on standard error; nothing is drawn where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
