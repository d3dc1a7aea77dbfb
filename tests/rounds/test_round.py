"""A whole round on real input: it learns, it says what it left out, and no kill doubles anything."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from sqlmodel import select

from db.engine import engine_for, read_session, write_session
from db.tables import (
    CommentReading,
    CommentTheme,
    Figure,
    ModelExample,
    ModelVersion,
    Participant,
    Rating,
    Round,
    Study,
    now,
)
from recux.errors import Conflict, RecuxError
from recux.learn.splits import split_of
from recux.report.document import build_report
from recux.rounds.foreground import run_study
from recux.rounds.job import first_rounds
from recux.rounds.predict import AskedPair, predict_pairs, predict_texts
from recux.rounds.queue import close_and_enqueue
from tests.evaluation.world import plant_interaction, plant_slate
from tests.planting import plant_answers, plant_person, plant_rating, plant_study
from tests.rounds.conftest import plant_feedback


def run(settings, study, **config):
    return run_study(settings, study.id, config=config, show=lambda _stage, _progress: None)


def rows(settings, table):
    with read_session(engine_for(settings.url)) as session:
        return list(session.exec(select(table)))


def test_a_round_stores_models_champions_figures_and_serves_predictions(settings, tiny_encoder):
    study = plant_feedback(settings)
    round_ = run(settings, study, base_model=tiny_encoder, device="cpu")
    assert (round_.status, round_.number) == ("done", 1)
    versions = rows(settings, ModelVersion)
    assert {v.head for v in versions} == {"satisfaction", "rating", "behaviour", "response_time"}
    champions = [v.head for v in versions if v.champion]
    assert sorted(champions) == ["behaviour", "rating", "response_time", "satisfaction"]
    assert {f.metric for f in rows(settings, Figure)} >= {"nps", "csat", "mean_rating", "ctr", "p95_ms"}
    looks = {(v.head, v.name): v.metrics["closer"] for v in versions if v.head not in {"behaviour", "response_time"}}
    assert {sum(map(sum, look["confusion"])) == look["n"] for look in looks.values()} == {True}
    known = {"0 earlier", "1-4 earlier", "5+ earlier", "new item"}
    starts = [v.metrics["cold_start"] for v in versions if v.head == "rating"]
    assert all(start and set(start) <= known for start in starts)
    figures = [one for start in starts for part in start.values() for one in part.values()]
    assert all("reason" in one or {"value", "ci_low", "ci_high", "n"} <= set(one) for one in figures)
    examples = rows(settings, ModelExample)
    assert {one.model_version_id for one in examples} <= {v.id for v in versions}
    assert any(one.words for one in examples)
    read = rows(settings, CommentReading)
    assert len(read) == len({(one.rating_id, one.answer_id) for one in read}) == 40 * 4 + 40
    assert sum(theme.comments for theme in rows(settings, CommentTheme)) in {0, len(read)}
    with read_session(engine_for(settings.url)) as session:
        said = predict_texts(session, study, ["love it", "terrible"], home=settings.home)
        assert [abs(sum(row["probabilities"]) - 1) < 1e-6 for row in said] == [True, True]
        rated = predict_pairs(
            session, study, "rating", [AskedPair("p1", "i2"), AskedPair("p0", "i1")], home=settings.home
        )
        assert {row["predicted"] for row in rated} <= {1, 2, 3, 4, 5}
        clicks = predict_pairs(session, study, "behaviour", [AskedPair("p1", "i2")], home=settings.home)
        assert 0 <= clicks[0]["click"] <= 1
        with pytest.raises(RecuxError, match="row 2: participant 'nobody'"):
            predict_pairs(
                session, study, "rating", [AskedPair("p1", "i2"), AskedPair("nobody", "i2")], home=settings.home
            )


def test_a_click_is_predicted_for_the_position_that_is_asked_and_for_the_first_by_itself(sqlite_settings, tiny_encoder):
    with write_session(engine_for(sqlite_settings.url)) as session:
        study = plant_study(session, items=6)
        for number in range(80):
            person = plant_person(session, study, f"p{number}")
            plant_answers(session, person, "csat", score=4)
            order = [1 + (number + place) % 6 for place in range(6)]
            slate = plant_slate(session, person, order)
            for place in range(6):
                if number % 10 < (6, 3, 2, 1, 1, 0)[place]:
                    plant_interaction(session, person, order[place], "click", slate=slate)
    run(sqlite_settings, study, base_model=tiny_encoder, device="cpu")
    with read_session(engine_for(sqlite_settings.url)) as session:
        asked = [AskedPair("p1", "i2"), *(AskedPair("p1", "i2", place) for place in (1, 2, 6))]
        answers = predict_pairs(session, study, "behaviour", asked, home=sqlite_settings.home)
    unsaid, first, second, last = (answer["click"] for answer in answers)
    assert unsaid == first
    assert [first, second, last] == pytest.approx([0.6, 0.3, 0.05], abs=0.15)


def test_the_second_round_starts_from_the_champion_unless_someone_withdrew(sqlite_settings, tiny_encoder):
    settings = sqlite_settings
    study = plant_feedback(settings)
    run(settings, study, base_model=tiny_encoder, device="cpu")
    with pytest.raises(Conflict, match="no ratings or answers since"):
        run(settings, study)
    with write_session(engine_for(settings.url)) as session:
        encoders = session.exec(select(ModelVersion).where(~ModelVersion.baseline)).all()
        for version in session.exec(select(ModelVersion).where(ModelVersion.champion)):
            version.champion = False
            session.add(version)
        session.flush()
        for version in encoders:  # so that there is something to start from, whoever won
            version.champion = True
            session.add(version)
        from recux.rounds.warm_start import start_from

        second = session.exec(select(Round)).one()
        serving = {version.head: version for version in encoders}
        assert start_from(session, second, serving, settings.home) == settings.home / serving["rating"].folder
        person = session.exec(select(Participant)).first()
        person.withdrawn_at = now()
        session.add(person)
        session.flush()
        assert start_from(session, second, serving, settings.home) is None


def test_a_round_says_how_the_model_before_it_did_on_people_who_came_later(sqlite_settings, tiny_encoder):
    study = plant_feedback(sqlite_settings)
    run(sqlite_settings, study, base_model=tiny_encoder, device="cpu")
    assert all("incumbent_ahead" not in v.metrics for v in rows(sqlite_settings, ModelVersion))
    served = {v.head: v.metrics for v in rows(sqlite_settings, ModelVersion) if v.champion}
    sides = {name: split_of(name, study.salt) for name in (f"later{i}" for i in range(12))}
    with write_session(engine_for(sqlite_settings.url)) as session:
        changed = next(
            one.id
            for one in session.exec(select(Participant))
            if one.external_id != "p1" and split_of(one.external_id, study.salt) == "train"
        )
        for name in sides:
            person = plant_person(session, study, name)
            for item, (stars, comment) in enumerate([(5, "love it"), (1, "terrible, boring"), (4, "useful")], start=1):
                plant_rating(session, person, item, stars, day=item, comment=f"{comment} {name}")
        regular = session.exec(select(Participant).where(Participant.external_id == "p1")).one()
        unseen = set(range(1, 13)) - set(
            session.exec(select(Rating.item_id).where(Rating.participant_id == regular.id))
        )
        plant_rating(session, regular, min(unseen), 5, day=9, comment="a regular, who is known")
        for old in session.exec(select(Rating).where(Rating.participant_id == changed)).all():
            again = {name: value for name, value in old.model_dump().items() if name != "id"}
            old.current = False
            session.flush()
            session.add(Rating(**again | {"current": True, "comment": f"{old.comment}, once more"}))
    run(sqlite_settings, study, base_model=tiny_encoder, device="cpu")
    assert not any("later1" in file.read_text() for file in sqlite_settings.home.rglob("rounds/*/*.json")), (
        "names are gone"
    )
    with read_session(engine_for(sqlite_settings.url)) as session:
        first = first_rounds(session, session.get_one(Study, study.id))
    assert {first[name] for name in sides} == {2}
    assert {number for name, number in first.items() if name not in sides} == {1}, "who changed a rating, too"
    told = [v.metrics for v in rows(sqlite_settings, ModelVersion) if v.round_id == 2 and v.head == "satisfaction"]
    expected = 3 * sum(side != "audit" for side in sides.values())
    assert {m["incumbent_ahead"]["log_loss"]["n"] for m in told} == {expected}
    assert {m["incumbent_then"]["log_loss"]["value"] for m in told} == {served["satisfaction"]["log_loss"]["value"]}
    with read_session(engine_for(sqlite_settings.url)) as session:
        shown = build_report(session, session.get_one(Study, study.id))["models"]["satisfaction"]["ahead"]
    assert shown["later"]["qwk"]["n"] == expected
    assert shown["then"]["qwk"] == served["satisfaction"]["qwk"]


def test_a_round_that_is_run_again_after_it_promoted_ends_with_the_same_champions(sqlite_settings, tiny_encoder):
    study = plant_feedback(sqlite_settings)
    run(sqlite_settings, study, base_model=tiny_encoder, device="cpu")

    def serving():
        return {v.head: (v.name, v.reason) for v in rows(sqlite_settings, ModelVersion) if v.champion}

    before = serving()
    with write_session(engine_for(sqlite_settings.url)) as session:
        round_ = session.exec(select(Round)).one()
        round_.status = "running"  # as a kill between promoting and finishing leaves it
        session.add(round_)
    run(sqlite_settings, study)
    assert len(before) == 4
    assert serving() == before


def test_three_ratings_make_a_round_without_models_that_says_why(sqlite_settings):
    with write_session(engine_for(sqlite_settings.url)) as session:
        study = plant_study(session)
        ann = plant_person(session, study, "ann")
        for item in (1, 2, 3):
            plant_rating(session, ann, item, item)
    round_ = run(sqlite_settings, study)
    assert round_.status == "done"
    assert "at least 20 needed" in round_.message
    assert rows(sqlite_settings, ModelVersion) == []
    assert rows(sqlite_settings, Figure)


def test_a_study_that_asks_for_recommendation_alone_ends_its_round_with_figures_and_themes(settings, tiny_encoder):
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session, arms=("default",), primary_metric="nps")
        for number in range(160):
            why = ("the delivery was late again", "lovely fabric and a soft colour")[number % 2]
            score = (number % 7, 9 + number % 2)[number % 2]
            plant_answers(session, plant_person(session, study, f"p{number}"), "nps", score=score, why=why)
    round_ = run(settings, study, base_model=tiny_encoder, device="cpu")
    assert round_.status == "done"
    assert "satisfaction: 0 labelled examples" in round_.message
    assert rows(settings, ModelVersion) == []
    nps = next(f for f in rows(settings, Figure) if (f.section, f.metric, f.arm) == ("satisfaction", "nps", ""))
    assert nps.n == 160
    assert nps.value is not None
    assert len(rows(settings, CommentTheme)) >= 2
    assert {one.expected for one in rows(settings, CommentReading)} == {None}
    with read_session(engine_for(settings.url)) as session:
        assert build_report(session, session.get_one(Study, study.id))["models"] == {}


def test_an_encoder_that_cannot_be_loaded_fails_the_round_and_the_next_run_finishes_it(sqlite_settings, tiny_encoder):
    study = plant_feedback(sqlite_settings)
    with pytest.raises(RecuxError, match="no-such"):
        run(sqlite_settings, study, base_model="no-such/encoder")
    failed = rows(sqlite_settings, Round)[0]
    assert (failed.status, "no-such" in failed.message) == ("failed", True)
    done = run(sqlite_settings, study, base_model=tiny_encoder, device="cpu")
    assert (done.id, done.status) == (failed.id, "done")


def test_killing_the_worker_in_training_finishes_the_same_round_once(sqlite_settings, tiny_encoder, tmp_path):
    settings = sqlite_settings
    study = plant_feedback(settings)
    close_and_enqueue(settings, study.id, actor="test")
    with write_session(engine_for(settings.url)) as session:
        round_ = session.exec(select(Round)).one()
        round_.config = {**round_.config, "base_model": tiny_encoder, "device": "cpu"}
        session.add(round_)
    generator = random.Random(7)
    environment = os.environ | {"RECUX_HOME": str(settings.home), "RECUX_DATABASE_URL": settings.database_url}
    worker = None
    try:
        for kill in (True, True, False):
            command = [sys.executable, "-m", "recux.rounds.worker"]
            worker = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            target = "train" if kill else "done"
            end = time.monotonic() + 90
            while target not in {rows(settings, Round)[0].stage, rows(settings, Round)[0].status}:
                assert worker.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
            if kill:
                time.sleep(generator.uniform(0, 4))
                worker.send_signal(signal.SIGKILL)
                worker.wait()
    finally:
        worker.kill()
        worker.wait()
    versions = rows(settings, ModelVersion)
    assert len({(v.head, v.name) for v in versions}) == len(versions) >= 8
    assert len(rows(settings, Round)) == 1
