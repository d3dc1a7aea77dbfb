"""Perturbations, cohorts and the model card."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame
from sklearn.metrics import mean_absolute_error

from recux.learn.baselines import fit_baselines
from recux.learn.calibration import expected_stars
from recux.learn.card import model_card
from recux.learn.closer import MOST_CHANGED
from recux.learn.examples import Examples
from recux.learn.jobs import KindResult, write_job
from recux.learn.predictor import load
from recux.learn.recipe import Recipe
from recux.learn.run import run_job
from recux.learn.tested import labelled_rows
from recux.learn.training import train
from recux.learn.trust import errors_by_cohort, other_case, stability, synonym, typo
from tests.learn.conftest import comments
from tests.learn.test_run import requests


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    recipe = Recipe(
        base_model=str(tiny_model),
        precision="fp32",
        epochs=8,
        minibatch_tokens=256,
        lr=1e-3,
        max_tokens=32,
        tuning_share=0.0,
        freeze_embeddings=False,
    )
    return train(Examples(comments(300)), recipe, out_dir=tmp_path_factory.mktemp("trust")).folder


def test_changes_change_what_they_say():
    rng = random.Random(0)
    assert sorted(typo("lovely", rng)) == sorted("lovely") != list("lovely")
    assert typo("ok", rng) == "ok"
    assert other_case("Nice", rng) == "NICE"
    assert synonym("a nice goodness", rng) == "a good goodness"


def test_an_uncased_encoder_stands_a_change_of_case(folder: Path):
    given, model = comments(60), load(folder, device="cpu")
    told = stability(model.scorer, model.calibration, [e.text for e in given], [e.key for e in given])
    found = {s.change: s for s in told}
    assert found["case"].flipped.value == 0
    assert found["typo"].flipped.value > 0
    before, after = found["typo"].example
    assert before != after


def test_what_flips_is_the_star_that_is_served(tmp_path: Path, tiny_recipe: Recipe):
    given = Examples(comments(700))
    write_job(tmp_path, given, tiny_recipe)
    run_job(tmp_path)
    model = load(tmp_path / "models" / "encoder" / "model", device="cpu")
    assert model.calibration.cuts["satisfaction"]
    texts = labelled_rows(given, "satisfaction", "heldout").inputs[:MOST_CHANGED]
    rng = random.Random(0)
    pairs = [(text, typo(text, rng)) for text in texts]
    pairs = [(before, after) for before, after in pairs if before != after]
    stars = [[row["predicted"] for row in model.satisfaction(list(side))] for side in zip(*pairs, strict=True)]
    told = json.loads((tmp_path / "closer.json").read_text())["satisfaction"]["encoder"]["changes"][0]
    assert told["change"] == "typo"
    assert told["value"] == pytest.approx(np.mean([a != b for a, b in zip(*stars, strict=True)]))


def test_cohort_errors_agree_with_fairlearn():
    given = Examples(comments(600))
    rows = labelled_rows(given, "satisfaction", "heldout")
    cohorts = {person: "ab"[i % 2] for i, person in enumerate(sorted(set(rows.participants)))}
    expected = expected_stars(fit_baselines(given)["satisfaction"][0].raw(rows.inputs)["satisfaction"])
    found = errors_by_cohort(rows.participants, np.abs(expected - rows.labels), cohorts)
    frame = MetricFrame(
        metrics=mean_absolute_error,
        y_true=rows.labels,
        y_pred=expected,
        sensitive_features=[cohorts[p] for p in rows.participants],
    )
    assert {c: m.value for c, m in found.errors.items()} == pytest.approx(frame.by_group.to_dict())
    assert found.gap.value == pytest.approx(frame.difference())
    assert found.gap.ci_low <= found.gap.value <= found.gap.ci_high


def test_one_cohort_has_no_gap_and_says_why():
    found = errors_by_cohort([f"p{i}" for i in range(20)], np.ones(20), {})
    assert found.gap.value is None
    assert "fewer than two cohorts" in found.gap.reason


def test_the_card_gives_reason_figures_and_limits(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, Examples(comments(200)), tiny_recipe)
    result = run_job(tmp_path)
    looks = json.loads((tmp_path / "closer.json").read_text())["satisfaction"]
    card = model_card(result, "satisfaction", looks[result.kinds["satisfaction"].choice.champion])
    assert card.startswith("---\nlibrary_name: ")
    assert result.kinds["satisfaction"].choice.reason in card
    assert "| qwk | " in card
    assert "largest gap between cohorts: fewer than two cohorts" in card
    assert "- typo: 0." in card
    assert "purchase was left out: 0 labelled examples" in card
    assert [f.read_text() for f in tmp_path.rglob("README*.md")] == [card]
    assert list((tmp_path / "logs").glob("events*"))
    assert np.isfinite(result.seconds)


def test_a_card_names_a_base_model_where_there_is_one_and_as_the_hub_does(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path, Examples(comments(120)), tiny_recipe, requests=requests())
    result = run_job(tmp_path)
    timed = model_card(result, "response_time")
    assert timed.startswith("---\nlibrary_name: recux\ntags: [recux, user-experience]\n---")
    assert "epochs" not in timed
    assert "unknown tokens" not in timed
    (encoder,) = (m for m in result.kinds["satisfaction"].models if m.name == "encoder")

    def card(base_model: str) -> str:
        choice = replace(result.kinds["satisfaction"].choice, champion="encoder")
        kind = KindResult([replace(encoder, base_model=base_model)], choice)
        return model_card(replace(result, kinds={"satisfaction": kind}), "satisfaction")

    assert "library_name: transformers" in card("embedded")
    assert "\nbase_model: sentence-transformers/all-MiniLM-L6-v2\n" in card("embedded")
    assert "\nbase_model: google-bert/bert-base-chinese\n" in card("google-bert/bert-base-chinese")
    local = card(tiny_recipe.base_model)
    assert "\nbase_model:" not in local
    assert str(Path(tiny_recipe.base_model).parent) not in local
    assert f"- base model: the local folder {Path(tiny_recipe.base_model).name}\n" in local
