"""Who was erased stays erased, whatever is restored; what is past its limit goes, and nothing else."""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from db.engine import build_engine, engine_for, read_session, write_session
from db.tables import Audit, Batch, Erasure, Interaction, Participant, Rating, Request, Round, Study, now
from recux.api import uploads
from recux.collect import own_data
from recux.collect.study_data import erase_study
from recux.errors import InvalidInput
from recux.operate import retention
from recux.operate.backup import backup, restore
from recux.operate.erasures import FILE, keep, read
from recux.operate.retention import Overdue, clean, overdue
from recux.settings import Settings
from tests.planting import plant_person, plant_rating, plant_study


@pytest.fixture
def home(settings):
    return settings.home


@pytest.fixture
def settings(database_url, tmp_path):
    settings = Settings(home=tmp_path / "home", database_url=database_url, file_days=10, _env_file=None)
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session)
        for name in ("ann", "bob", "cyd"):
            plant_rating(session, plant_person(session, study, name), 1, 4, comment=name)
        old = plant_study(session, "old")
        old.salt = "another"
        plant_person(session, old, "dan")
    return settings


def person(session, name):
    return session.exec(select(Participant).where(Participant.external_id == name)).one()


def fresh(sqlite_template, tmp_path):
    target = tmp_path / "restored.db"
    target.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{target}"


def test_people_and_studies_erased_after_a_backup_are_erased_again_when_it_is_restored(
    settings, home, sqlite_template, tmp_path
):
    backup(settings.url, tmp_path / "b.zip")
    engine = engine_for(settings.url)
    with write_session(engine) as session:
        own_data.erase(session, person(session, "ann"))
        own_data.withdraw(session, person(session, "bob"))
        erase_study(session, session.exec(select(Study).where(Study.slug == "old")).one())
    assert keep(engine, home) == 3
    assert keep(engine, home) == 0
    assert not any(name in (home / FILE).read_text() for name in ("ann", "bob", "shop", "old"))
    url = fresh(sqlite_template, tmp_path)
    done = restore(url, tmp_path / "b.zip", erased=[home / FILE])
    assert done.erased_again == {"person": 1, "withdrawal": 1, "study": 1}
    with read_session(build_engine(url)) as session:
        assert {p.external_id: p.withdrawn_at is not None for p in session.exec(select(Participant))} == {
            "bob": True,
            "cyd": False,
        }
        assert [study.slug for study in session.exec(select(Study))] == ["shop"]
        assert sorted(rating.comment for rating in session.exec(select(Rating))) == ["bob", "cyd"]
        assert len(session.exec(select(Erasure)).all()) == 3  # so that the next backup knows of them too


def test_somebody_who_came_back_under_the_same_id_stays(settings, home, sqlite_template, tmp_path):
    engine = engine_for(settings.url)
    with write_session(engine) as session:
        own_data.erase(session, person(session, "ann"))
    keep(engine, home)
    with write_session(engine) as session:
        plant_person(session, session.exec(select(Study).where(Study.slug == "shop")).one(), "ann")
    backup(settings.url, tmp_path / "b.zip")
    done = restore(fresh(sqlite_template, tmp_path), tmp_path / "b.zip", erased=[home / FILE])
    assert done.erased_again == {"person": 0, "withdrawal": 0, "study": 0}


def test_a_list_cut_off_by_a_power_cut_is_read_to_its_last_whole_line_and_a_spoilt_one_is_refused(settings, home):
    with write_session(engine_for(settings.url)) as session:
        own_data.erase(session, person(session, "ann"))
    keep(engine_for(settings.url), home)
    whole = (home / FILE).read_text()
    (home / FILE).write_text(whole + whole[:20])
    assert len(list(read(home / FILE))) == 1
    (home / FILE).write_text("nonsense\n" + whole)
    with pytest.raises(InvalidInput, match="line 1"):
        list(read(home / FILE))


def test_only_what_is_past_its_limit_goes_and_the_audit_log_says_so(settings, home):
    engine = engine_for(settings.url)
    with write_session(engine) as session:
        shop, old = session.exec(select(Study).order_by(Study.id)).all()
        ann = person(session, "ann")
        shop.retention = {"people": 30, "interactions": 7, "requests": 7}
        old.retention = {"people": 30}
        old.status, old.closed_at = "closed", now() - timedelta(days=31)
        for days in (6, 8):
            at = now() - timedelta(days=days)
            of = {"study_id": shop.id, "row_key": str(days)}
            session.add(Interaction(participant_id=ann.id, item_id=1, kind="click", occurred_at=at, **of))
            session.add(Request(requested_at=at, duration_ms=1.0, outcome="ok", **of))
    (home / "uploads" / "x").mkdir(parents=True)
    with read_session(engine) as session:
        expected = [
            Overdue("shop", "interactions", 7, 1),
            Overdue("shop", "requests", 7, 1),
            Overdue("old", "people", 30, 1),
        ]
        assert overdue(session, now()) == expected
    assert clean(engine, settings, now(), dry_run=True).rows == expected
    assert clean(engine, settings, now()).rows == expected
    assert clean(engine, settings, now() + timedelta(hours=1)).rows == []
    with read_session(engine) as session:
        assert {p.external_id for p in session.exec(select(Participant))} == {"ann", "bob", "cyd"}
        assert [row.row_key for row in session.exec(select(Request))] == ["6"]
        assert [row.details["kind"] for row in session.exec(select(Audit))] == ["interactions", "requests", "people"]
    assert len(list(read(home / FILE))) == 1
    assert (home / "uploads" / "x").exists()
    clean(engine, settings, now() + timedelta(days=11))
    assert not (home / "uploads" / "x").exists()


def test_a_body_that_a_killed_process_left_is_swept_after_hours_and_one_that_comes_in_is_not(settings, home):
    spool = Path(tempfile.mkdtemp(dir=settings.folder("uploads"), prefix=uploads.SPOOL))
    (spool / "api.jsonl").write_text("{}")
    assert spool.name.startswith(retention.SPOOL)
    clean(engine_for(settings.url), settings, now() + timedelta(hours=5))
    assert spool.exists()
    clean(engine_for(settings.url), settings, now() + timedelta(hours=7))
    assert not spool.exists()


def test_what_quotes_people_in_the_folder_of_a_round_that_is_over_goes(settings, home):
    engine = engine_for(settings.url)
    left = []
    with write_session(engine) as session:
        shop = session.exec(select(Study)).first()
        for number, status in enumerate(("running", "cancelled", "failed"), 1):
            batch = Batch(study_id=shop.id, number=number, closed_by="hand", ratings=1, answers=0, content_hash="x")
            session.add(batch)
            session.flush()
            session.add(Round(study_id=shop.id, batch_id=batch.id, number=number, status=status))
            left.append(settings.folder("rounds") / str(number) / "examples.jsonl")
            left[-1].parent.mkdir()
            left[-1].write_text('{"text": "so slow"}')
    clean(engine, settings, now() + timedelta(hours=5))
    assert all(file.exists() for file in left)
    clean(engine, settings, now() + timedelta(hours=7))
    assert [file.exists() for file in left] == [True, False, False]
