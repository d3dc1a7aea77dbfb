"""Checkpoints: the whole state of a training run on disk, such that a kill at any moment loses only the time since."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import torch

from recux.learn.files import read_json, write_atomically, write_json

POINTER = "checkpoint.json"
KEPT = 2
log = logging.getLogger(__name__)


def save_checkpoint(folder: Path, state: dict[str, Any], *, fingerprint: str, step: int) -> None:
    """Write ``state`` (tensors and plain values) and then point to it; the one before is kept in case of damage."""
    name = f"checkpoint-{step:08d}.pt"
    write_atomically(folder / name, lambda file: torch.save(state, file))
    entry = {"file": name, "sha256": sha256(folder / name), "fingerprint": fingerprint}
    entries = [entry, *(e for e in entries_in(folder) if e["file"] != name and e["fingerprint"] == fingerprint)]
    write_json(folder / POINTER, entries[:KEPT])
    kept = {e["file"] for e in entries[:KEPT]}
    for old in folder.glob("checkpoint-*.pt"):
        if old.name not in kept:
            old.unlink(missing_ok=True)


def load_checkpoint(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The newest undamaged state of the same job, or None. Damaged ones are logged and skipped."""
    for entry in entries_in(folder):
        if entry["fingerprint"] != fingerprint:
            continue
        file = folder / entry["file"]
        if file.is_file() and sha256(file) == entry["sha256"]:
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            return state
        log.warning("checkpoint %s is missing or damaged; going back to the one before", file)
    return None


def clear_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of ``folder``."""
    (folder / POINTER).unlink(missing_ok=True)
    for file in [*folder.glob("checkpoint-*.pt"), *folder.glob(".checkpoint*.tmp")]:
        file.unlink(missing_ok=True)


def entries_in(folder: Path) -> list[dict[str, str]]:
    """The pointer's entries, newest first; none when it is absent or unreadable."""
    try:
        entries = read_json(folder / POINTER)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return []
    return [e for e in entries if isinstance(e, dict) and {"file", "sha256", "fingerprint"} <= e.keys()]


def sha256(file: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
