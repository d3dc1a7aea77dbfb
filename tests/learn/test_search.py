"""The search for settings finds at least what it started from, and looks at nobody who tests the model."""

from dataclasses import replace
from pathlib import Path

import pytest

from recux.errors import InvalidInput
from recux.learn.errors import TooFewExamples, TrainingDiverged
from recux.learn.examples import Examples
from recux.learn.files import write_json
from recux.learn.recipe import Recipe, read_settings
from recux.learn.search import search
from recux.learn.training import train
from tests.learn.conftest import comments


def test_the_start_is_the_first_trial_and_the_best_is_no_worse(tmp_path: Path, tiny_recipe: Recipe):
    heard: list[tuple[int, float, Recipe]] = []
    best, loss = search(
        Examples(comments(120)), tiny_recipe, folder=tmp_path, trials=3, tell=lambda *trial: heard.append(trial)
    )
    assert [number for number, _, _ in heard] == [0, 1, 2]
    assert heard[0][2].lr == tiny_recipe.lr
    assert loss == min(found for _, found, _ in heard)
    assert best.tuning_share == tiny_recipe.tuning_share
    assert not list(tmp_path.iterdir())


def test_a_trial_is_judged_by_its_last_epoch_which_is_what_a_round_keeps(tmp_path: Path, tiny_recipe: Recipe):
    overfitted = tiny_recipe.but(epochs=16, head_lr=1e-2, minibatch_rows=16, dropout=0.0)
    heard: list[tuple[int, float, Recipe]] = []
    stars = [c.satisfaction for c in comments(80, seed=1)]
    given = Examples(tuple(replace(c, satisfaction=s) for c, s in zip(comments(80), stars, strict=True)))
    search(given, overfitted, folder=tmp_path, trials=1, tell=lambda *trial: heard.append(trial))
    ((_, loss, tried),) = heard
    epochs = [epoch["tuning_loss"] for epoch in train(given, tried, out_dir=tmp_path / "again").history]
    assert loss == epochs[-1] > min(epochs)


def test_a_search_whose_trials_all_diverge_says_so(tmp_path: Path, tiny_recipe: Recipe):
    broken = tiny_recipe.but(head_weights={"satisfaction": 1e300, "recommend": 1e300})
    with pytest.raises(TrainingDiverged, match="in any of 2 trials"):
        search(Examples(comments(60)), broken, folder=tmp_path, trials=2)


def test_people_who_test_the_model_do_not_judge_trials(tmp_path: Path, tiny_recipe: Recipe):
    everyone = comments(120)
    train_only = tuple(c for c in everyone if c.split == "train")
    losses = [search(Examples(c), tiny_recipe, folder=tmp_path, trials=1)[1] for c in (everyone, train_only)]
    assert losses[0] == losses[1]


def test_what_a_search_wrote_is_read_as_settings_and_mistakes_are_named(tmp_path: Path, tiny_recipe: Recipe):
    file = tmp_path / "recipe.json"
    write_json(file, tiny_recipe.to_dict())
    assert Recipe.from_dict(read_settings(file)) == tiny_recipe
    for text, said in (
        ('{"lr": 0.0002}', None),
        ('{"learning_rate": 1}', "unknown setting 'learning_rate'"),
        ('{"epochs": "three"}', "epochs is 'three', must be of type int"),
        ('{"method": "magic"}', "must be one of full, lora"),
        ("[1]", "one object of settings"),
        ("lr = 1", "cannot be read as JSON"),
    ):
        file.write_text(text)
        if said is None:
            assert read_settings(file) == {"lr": 0.0002}
        else:
            with pytest.raises(InvalidInput, match=said):
                read_settings(file)


def test_too_few_examples_or_no_optuna_is_said(tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(TooFewExamples):
        search(Examples(comments(3)), tiny_recipe, folder=tmp_path, trials=1)
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(InvalidInput, match=r"install"):
        search(Examples(comments(60)), tiny_recipe, folder=tmp_path)
