"""Run commands in this process, as the entry point does."""

import os
import sys
import threading
from contextlib import contextmanager

import pytest

from recux.cli import main


@pytest.fixture
def home(tmp_path, monkeypatch, sqlite_url):
    """A RECUX_HOME of its own, with a migrated database in it; commands run in a folder without a .env file."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECUX_HOME", str(folder))
    monkeypatch.setenv("RECUX_DATABASE_URL", sqlite_url)
    monkeypatch.delenv("RECUX_DEBUG", raising=False)
    return folder


@pytest.fixture
def recux(home, monkeypatch, capsys):
    """``recux("study", "list")`` -> exit code, standard output, standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["recux", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def ok(recux):
    """The same for commands that must succeed: standard output."""

    def run(*words):
        code, out, err = recux(*words)
        assert code == 0, err
        return out

    return run


@contextmanager
def piped(folder, content):
    """Path of a pipe through which ``content`` comes once, as of ``<(...)`` in a shell."""
    path = folder / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,), daemon=True)
    writer.start()
    yield path
    writer.join(10)
