"""What is restored is what was there, on either database, or nothing at all."""

import zipfile

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from db.engine import build_engine, write_session
from recux.errors import Conflict, InvalidInput
from recux.operate.backup import backup, restore
from recux.rounds import close_batch
from tests.planting import plant_answers, plant_person, plant_rating, plant_study


def fill(url):
    engine = build_engine(url)
    with write_session(engine) as session:
        study = plant_study(session, objectives={"p95_ms": 300.0})
        ann = plant_person(session, study, "ann", interests=["猫", "dogs"])
        plant_rating(session, ann, 1, 4.5, comment='said "so"\n, twice')
        plant_answers(session, ann, "nps", score=0, why="no")
        close_batch(session, study)
    engine.dispose()
    return url


@pytest.fixture
def filled_url(database_url):
    return fill(database_url)


def content(url):
    engine = build_engine(url)
    with engine.connect() as connection:
        rows = {
            t.name: sorted(connection.execute(sa.select(t)).all(), key=str) for t in SQLModel.metadata.sorted_tables
        }
    engine.dispose()
    return rows


def test_a_backup_restored_into_sqlite_is_the_same_but_for_the_round_at_work(filled_url, sqlite_template, tmp_path):
    target = tmp_path / "restored.db"
    target.write_bytes(sqlite_template.read_bytes())
    counts = backup(filled_url, tmp_path / "b.zip")
    assert restore(f"sqlite:///{target}", tmp_path / "b.zip").rows == counts
    before, after = content(filled_url), content(f"sqlite:///{target}")
    assert before.pop("round")[0].status == "queued"
    assert after.pop("round")[0].status == "failed"
    assert before == after


def test_new_rows_after_a_restore_on_postgres_do_not_collide(sqlite_url, postgres_url, tmp_path):
    backup(fill(sqlite_url), tmp_path / "b.zip")
    restore(postgres_url, tmp_path / "b.zip")
    with write_session(build_engine(postgres_url)) as session:
        assert plant_study(session, "another").id == 2


def test_a_damaged_backup_is_refused_and_nothing_is_written(filled_url, sqlite_template, tmp_path):
    target = tmp_path / "restored.db"
    target.write_bytes(sqlite_template.read_bytes())
    backup(filled_url, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as good, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b'"ann"', b'"eve"'))
    with pytest.raises(InvalidInput, match="checksum of participant is wrong"):
        restore(f"sqlite:///{target}", tmp_path / "bad.zip")
    assert not any(content(f"sqlite:///{target}").values())


def test_a_restore_never_mixes_with_rows_that_are_there(filled_url, tmp_path):
    backup(filled_url, tmp_path / "b.zip")
    with pytest.raises(Conflict, match="holds rows already"):
        restore(filled_url, tmp_path / "b.zip")


def test_a_file_that_is_no_backup_is_named(filled_url, tmp_path):
    (tmp_path / "x.zip").write_text("hello")
    with pytest.raises(InvalidInput, match=r"x\.zip is not a backup"):
        restore(filled_url, tmp_path / "x.zip")
