"""No figure changes when the file of a questionnaire is edited, or deleted, after the study was launched with it."""

from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from pydantic import ValidationError
from sqlmodel import select

from db.engine import write_session
from db.tables import ConsentText, Figure, StudyInstrument
from recux.collect.definitions import StudyDefinition
from recux.collect.studies import launch_study
from recux.collect.study_life import change_study, definition_of
from recux.errors import NotFound
from recux.evaluation import evaluate_round
from recux.ingest import import_rows
from recux.insight import cuts, data_quality, drivers, planning, satisfaction
from recux.insight.take_away import codebook
from recux.instruments import load, loading
from recux.questionnaires import instrument_of
from recux.report.document import build_report
from recux.rounds.batches import close_batch
from recux.suggest.evidence import read_evidence
from tests.planting import plant_answers, plant_person, plant_rating, plant_study

ASKED = ["nps", "trust", "attention"]
ALL = cuts.Cut()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of instruments of our own, to be edited."""
    for path in loading.FOLDER.glob("*.toml"):
        copy(path, tmp_path)
    monkeypatch.setattr(loading, "FOLDER", tmp_path)
    load.cache_clear()
    yield tmp_path
    load.cache_clear()


@pytest.fixture
def session(engine):
    with write_session(engine) as session:
        yield session


def launched(session):
    """A study with sixteen people in two arms who answered carefully, but for the first of them."""
    study = plant_study(session, instruments=ASKED, primary_metric="trust.trust")
    study.status = "draft"
    session.add_all(ConsentText(study_id=study.id, language=one, text="Take part?") for one in study.languages)
    launch_study(session, study)
    rng, trust = np.random.default_rng(7), load("trust")
    expected = {q.name: q.expected for q in load("attention").questions}
    for n in range(16):
        person = plant_person(session, study, f"p{n}", arm_id=1 + n % 2)
        plant_rating(session, person, 1, int(rng.integers(1, 6)))
        plant_answers(session, person, "nps", score=int(rng.integers(0, 11)))
        plant_answers(session, person, "attention", **{name: value - (n == 0) for name, value in expected.items()})
        said = {q.name: int(rng.integers(q.low, q.high + 1)) for q in trust.questions if q.low is not None}
        plant_answers(session, person, "trust", **said)
    return study


def everything(session, study, round_):
    """What is shown, stored, exported and served of the study's answers."""
    said = cuts.read(session, study, ALL)
    quality = data_quality.summary(session, study)
    report = build_report(session, study)
    return {
        "report": {key: value for key, value in report.items() if key != "generated_at"},
        "now": satisfaction.now(said, study, ALL).to_json(),
        "quality": [table.to_json() for table in quality[:3]],
        "codebook": codebook(session, study).to_json(),
        "drivers": repr(drivers.key(session, study)),
        "structure": repr(drivers.structure(session, study)),
        "plan": planning.within_arms(session, study, "trust.trust").to_json(),
        "evidence": read_evidence(session, round_).constructs,
        "asked": [instrument_of(session, study.id, name) for name in ASKED],
    }


def stored(session, round_):
    evaluate_round(session, round_)
    columns = Figure.section, Figure.arm, Figure.cut, Figure.metric, Figure.value, Figure.ci_low, Figure.definition
    return sorted(map(repr, session.exec(select(*columns).where(Figure.round_id == round_.id))))


def edit(folder: Path, name: str) -> None:
    """Other wordings, other keys, another scale, other expected answers: the worst that can be done to a file."""
    path = folder / f"{name}.toml"
    text = path.read_text(encoding="utf-8").replace("reverse = true", "reverse = false").replace("high = 5", "high = 9")
    path.write_text(text.replace('version = "1"', 'version = "2"').replace('en = "', 'en = "Or '), encoding="utf-8")


def test_an_edited_and_then_deleted_file_changes_nothing_of_a_launched_study(session, folder):
    study = launched(session)
    round_ = close_batch(session, study)
    figures, before = stored(session, round_), everything(session, study, round_)
    assert before["report"]["data_quality"]["flagged"]["attention"] == 1
    assert before["report"]["satisfaction"]["instruments"]["trust"]["constructs"]["trust"]["score"]["value"] is not None
    for change in (edit, lambda where, name: (where / f"{name}.toml").unlink()):
        for name in ASKED:
            change(folder, name)
        load.cache_clear()
        after = everything(session, study, round_)
        assert [part for part in before if before[part] != after[part]] == []
        assert stored(session, round_) == figures
    with pytest.raises(NotFound):
        load("trust")


def test_a_questionnaire_that_an_import_brings_after_the_launch_is_kept_from_then_on(session, folder):
    study = launched(session)
    rows = [{"participant_id": "p1", "instrument": "csat", "question": "score", "value": 4}]
    import_rows(session, study.slug, "responses", rows)
    (folder / "csat.toml").unlink()
    load.cache_clear()
    assert "csat" in session.exec(select(StudyInstrument.instrument).where(StudyInstrument.study_id == study.id)).all()
    assert "csat/score" in codebook(session, study)["name"].tolist()


def test_the_settings_of_a_launched_study_can_be_read_and_changed_without_its_files(session, folder):
    study = launched(session)
    for name in ASKED:
        (folder / f"{name}.toml").unlink()
    load.cache_clear()
    wanted = definition_of(session, study).model_copy(update={"title": "Another title"})
    assert change_study(session, study, wanted, version=study.edit_version) == ["title"]
    with pytest.raises(ValidationError, match="'nps' is not an instrument"):
        StudyDefinition.model_validate(wanted.model_dump())
