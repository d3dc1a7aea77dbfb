"""Perturbations, cohorts and the model card."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame
from sklearn.metrics import mean_absolute_error

from recux.learn.baselines import fit_baselines
from recux.learn.calibration import expected_stars
from recux.learn.card import model_card
from recux.learn.evaluation import labelled_rows
from recux.learn.examples import Examples
from recux.learn.jobs import write_job
from recux.learn.predictor import load
from recux.learn.recipe import Recipe
from recux.learn.run import run_job
from recux.learn.training import train
from recux.learn.trust import cohort_errors, other_case, stability, synonym, typo
from tests.learn.conftest import comments


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
    given = comments(60)
    found = {
        s.change: s
        for s in stability(load(folder, device="cpu").scorer, [e.text for e in given], [e.key for e in given])
    }
    assert found["case"].flipped.value == 0
    assert found["typo"].flipped.value > 0
    before, after = found["typo"].example
    assert before != after


def test_cohort_errors_agree_with_fairlearn():
    given = Examples(comments(600))
    scorer = fit_baselines(given)["satisfaction"]
    rows = labelled_rows(given, "satisfaction", "heldout")
    cohorts = {person: "ab"[i % 2] for i, person in enumerate(sorted(set(rows.participants)))}
    found = cohort_errors(scorer, given, cohorts, "satisfaction")
    frame = MetricFrame(
        metrics=mean_absolute_error,
        y_true=rows.labels,
        y_pred=expected_stars(scorer.raw(rows.inputs)["satisfaction"]),
        sensitive_features=[cohorts[p] for p in rows.participants],
    )
    assert {c: m.value for c, m in found.errors.items()} == pytest.approx(frame.by_group.to_dict())
    assert found.gap.value == pytest.approx(frame.difference())
    assert found.gap.ci_low <= found.gap.value <= found.gap.ci_high


def test_one_cohort_has_no_gap_and_says_why():
    given = Examples(comments(120))
    found = cohort_errors(fit_baselines(given)["satisfaction"], given, {}, "satisfaction")
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
