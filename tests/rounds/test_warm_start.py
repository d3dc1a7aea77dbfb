"""Which encoder a round goes on from, which base model it has, and how many texts its recipe is made for."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from db.engine import engine_for, read_session, write_session
from db.tables import ModelVersion, Round, now
from recux.collect.own_data import erase
from recux.errors import InvalidInput
from recux.learn.examples import BehaviourExample, Examples, Pair, RatingExample, SatisfactionExample
from recux.rounds import close_batch
from recux.rounds.foreground import run_study
from recux.rounds.job import recipe_of, texts_to_learn
from recux.rounds.warm_start import base_model_of, start_from
from tests.evaluation.world import plant_interaction, plant_slate
from tests.planting import plant_answers, plant_person, plant_rating, plant_study

HOME = Path("/home")
NOBODY = dict.fromkeys(("satisfaction", "rating", "behaviour", "response_time"))


@pytest.fixture
def session(engine):
    with write_session(engine) as session:
        yield session


def learned(session, study, *, base_model="bert-base-chinese", champion=True):
    """Close the batch; its round trained an encoder. Returns who serves."""
    round_ = close_batch(session, study)
    round_.started_at = now()
    version = ModelVersion(
        study_id=study.id,
        round_id=round_.id,
        head="satisfaction",
        name="encoder",
        base_model=base_model,
        folder="m",
        champion=champion,
    )
    session.add_all([round_, version])
    session.flush()
    return NOBODY | ({"satisfaction": version} if champion else {})


def goes_on(session, study, serving, **config):
    """Whether a new round with this ``config`` goes on from the encoder that serves."""
    return start_from(session, Round(study_id=study.id, batch_id=0, number=2, config=config), serving, HOME) is not None


def leave(session, person, **later):
    person.withdrawn_at = now() + timedelta(**later)
    session.add(person)
    session.flush()


def test_a_comment_beside_a_csat_is_not_gone_on_from_once_its_author_withdrew(session):
    study = plant_study(session)
    ann, bob = (plant_person(session, study, name) for name in ("ann", "bob"))
    for person in (ann, bob):
        plant_answers(session, person, "csat", score=4, why="works for me")
    serving = learned(session, study)
    assert goes_on(session, study, serving)
    leave(session, ann)
    assert not goes_on(session, study, serving)


def test_clicks_are_not_gone_on_from_once_who_clicked_withdrew(session):
    study = plant_study(session)
    ann, bob = (plant_person(session, study, name) for name in ("ann", "bob"))
    plant_rating(session, bob, 1, 4)
    plant_slate(session, ann, [1, 2])
    serving = learned(session, study)
    leave(session, ann)
    assert goes_on(session, study, serving), "where nobody clicks, impressions teach nothing"
    plant_interaction(session, bob, 1, "click")
    assert not goes_on(session, study, serving)


def test_who_left_before_the_round_began_was_not_learned_from(session):
    study = plant_study(session)
    ann, bob = (plant_person(session, study, name) for name in ("ann", "bob"))
    for person in (ann, bob):
        plant_answers(session, person, "csat", score=4, why="works for me")
        plant_rating(session, person, 1, 4)
    close_batch(session, study)
    plant_rating(session, bob, 2, 4)
    leave(session, ann, hours=-1)
    assert goes_on(session, study, learned(session, study))


def test_an_answer_that_was_erased_is_not_gone_on_from(session):
    study = plant_study(session)
    ann, bob = (plant_person(session, study, name) for name in ("ann", "bob"))
    for person in (ann, bob):
        plant_answers(session, person, "csat", score=4, why="works for me")
    serving = learned(session, study)
    session.delete(ann)
    session.flush()
    assert not goes_on(session, study, serving)


def test_clicks_of_someone_who_was_erased_are_not_gone_on_from(session):
    study = plant_study(session)
    ann, bob = (plant_person(session, study, name) for name in ("ann", "bob"))
    plant_rating(session, bob, 1, 4)
    plant_interaction(session, bob, 1, "click")
    plant_slate(session, ann, [1, 2])
    serving = learned(session, study)
    assert goes_on(session, study, serving)
    erase(session, ann)
    assert not goes_on(session, study, serving)


def test_naming_the_base_model_again_goes_on_and_another_does_not(session):
    study = plant_study(session)
    plant_rating(session, plant_person(session, study, "ann"), 1, 4)
    serving = learned(session, study)
    assert goes_on(session, study, serving, base_model="bert-base-chinese")
    assert not goes_on(session, study, serving, base_model="embedded")


def test_a_base_model_stays_the_studys_own_until_another_is_named(session):
    study = plant_study(session)
    ann = plant_person(session, study, "ann")
    plant_rating(session, ann, 1, 4)
    assert base_model_of(session, Round(study_id=study.id), NOBODY) is None
    serving = learned(session, study, champion=False)
    known = base_model_of(session, Round(study_id=study.id), serving)
    assert known == "bert-base-chinese", "although a baseline serves"
    few, many = (recipe_of({"device": "cpu"}, texts, known) for texts in (100, 1500))
    assert [few.base_model, many.base_model, few.keep_layers] == ["bert-base-chinese"] * 2 + [0]
    assert recipe_of({"device": "cpu", "base_model": "embedded"}, 100, known).base_model == "embedded"
    assert recipe_of({"device": "cpu", "settings": {"base_model": "x"}}, 100, known).base_model == "x"
    assert recipe_of({"device": "cpu"}, 100).base_model == "embedded"


def test_a_device_that_is_not_here_is_refused_before_the_batch_is_closed(sqlite_settings):
    with write_session(engine_for(sqlite_settings.url)) as session:
        study = plant_study(session)
        plant_rating(session, plant_person(session, study, "ann"), 1, 4)
    with pytest.raises(InvalidInput, match="device 'tpu' is not on this machine; it has cpu"):
        run_study(sqlite_settings, study.id, config={"device": "tpu"}, show=lambda *_: None)
    with read_session(engine_for(sqlite_settings.url)) as session:
        assert not session.exec(select(Round)).all()


def test_the_gpu_that_was_asked_for_is_the_one_that_trains(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert recipe_of({"device": "cuda:1"}, 100) == recipe_of({"device": "cuda"}, 100).but(device="cuda:1")


def test_a_recipe_is_sized_by_comments_or_ratings_and_by_impressions_only_where_there_are_neither():
    pairs = [Pair("ann", f"i{n}", "for me", "a dress", position=1) for n in range(300)]
    seen = tuple(BehaviourExample(f"b{n}", "train", pair, click=False) for n, pair in enumerate(pairs))
    rated = tuple(RatingExample(f"r{n}", "train", pair, 4.0) for n, pair in enumerate(pairs[:120]))
    told = tuple(SatisfactionExample(f"c{n}", "ann", "train", f"comment {n}", 4.0) for n in range(100))
    tested = replace(told[0], key="t", split="heldout")  # the same words: the training copy does not teach
    assert texts_to_learn(Examples((*told, tested), rated, seen)) == 120
    assert texts_to_learn(Examples((*told, tested), rated[:50], seen)) == 99
    assert texts_to_learn(Examples(behaviour=seen)) == 300
