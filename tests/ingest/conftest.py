"""A study to import into, and short ways to do it."""

import csv
from pathlib import Path

import pytest
import sqlalchemy as sa

from db.engine import write_session
from recux.collect.studies import ArmDefinition, StudyDefinition, create_study
from recux.ingest import import_file

SLUG = "pilot"


def make_study(engine, **changes):
    definition = StudyDefinition(
        title="Pilot",
        consent={"en": "Agree?", "zh_CN": "同意吗？"},
        arms=[ArmDefinition(key="old", source="popularity"), ArmDefinition(key="new", source="imported")],
        **changes,
    )
    with write_session(engine) as session:
        return create_study(session, SLUG, definition, salt="fixed")


@pytest.fixture
def pilot(engine):
    """An engine of either database with a draft study of the arms old and new."""
    make_study(engine)
    return engine


@pytest.fixture
def sqlite_pilot(sqlite_engine):
    """The same on SQLite alone, for what does not depend on the database."""
    make_study(sqlite_engine)
    return sqlite_engine


class Importer:
    """Writes files into a folder and imports them."""

    def __init__(self, engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def text(self, kind: str, content: str | bytes, *, name: str = "data.csv", mapping: str | None = None, **how):
        map_path = self.file("map.toml", mapping) if mapping is not None else None
        path = self.file(name, content)
        folder = self.folder / "quarantine"
        return import_file(self.engine, SLUG, kind, path, map_path=map_path, quarantine_folder=folder, **how)

    def rows(self, query: str):
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def one(self, query: str):
        [[value]] = self.rows(query)
        return value

    def items(self, *names: str) -> None:
        self.text("items", "item_id,title\n" + "".join(f"{name},Title of {name}\n" for name in names))

    @staticmethod
    def quarantine(path: Path):
        with path.open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))


@pytest.fixture
def into(pilot, tmp_path):
    """Import into the study, on either database."""
    return Importer(pilot, tmp_path)


@pytest.fixture
def into_sqlite(sqlite_pilot, tmp_path):
    """Import into the study on SQLite."""
    return Importer(sqlite_pilot, tmp_path)


def counts(result):
    """written, updated, unchanged, quarantined - after checking that they add up."""
    kept = (result.written, result.updated, result.unchanged, result.quarantined)
    assert result.read == sum(kept)
    return kept
