"""A closer look at a run's models, and what the models make of comments."""

import json
from pathlib import Path

import numpy as np
import pytest

from recux.learn.baselines import fit_baselines
from recux.learn.closer import closer_look
from recux.learn.evaluation import evaluate
from recux.learn.examples import Examples
from recux.learn.jobs import Job, write_job
from recux.learn.recipe import Recipe
from recux.learn.run import run_job
from recux.learn.themes import find_themes, names, terms
from tests.learn.conftest import comments, everything

COLD = ["delivery was late again", "the delivery took weeks", "late delivery and no message", "waiting for delivery"]
WARM = ["lovely fabric and colour", "the fabric feels soft", "colour as in the picture", "soft fabric, warm colour"]


@pytest.fixture
def job(tiny_recipe: Recipe) -> Job:
    given = Examples(comments(400))
    people = sorted({e.participant for e in given.satisfaction})
    return Job(given, tiny_recipe, cohorts={person: "ab"[i % 2] for i, person in enumerate(people)})


def test_the_tables_count_every_held_out_row_once_and_as_the_figures_do(job: Job):
    scorer = fit_baselines(job.examples)["satisfaction"][0]
    found = evaluate(scorer, job.examples, "satisfaction")
    look = closer_look(scorer, found, job.cohorts)
    n = sum(e.split == "heldout" for e in job.examples.satisfaction)
    assert look["n"] == n == np.sum(look["confusion"]) == sum(b["n"] for b in look["reliability"])
    assert np.trace(look["confusion"]) / n == pytest.approx(found.metrics["accuracy"].value)
    assert {b["low"] <= b["predicted"] <= b["high"] for b in look["reliability"]} == {True}
    assert set(look["cohorts"]["errors"]) == {"a", "b"}
    assert look["cohorts"]["gap"]["ci_low"] <= look["cohorts"]["gap"]["value"]


def test_the_worst_rows_are_those_furthest_off_by_the_key_of_their_example(job: Job):
    scorer = fit_baselines(job.examples)["satisfaction"][0]
    look = closer_look(scorer, evaluate(scorer, job.examples, "satisfaction"), job.cohorts)
    labels = {e.key: e.satisfaction for e in job.examples.satisfaction}
    off = [abs(one["label"] - one["expected"]) for one in look["worst"]]
    assert off == sorted(off, reverse=True)
    assert [labels[one["key"]] for one in look["worst"]] == [one["label"] for one in look["worst"]]
    assert {one["words"] for one in look["worst"]} == {None}  # a baseline is not asked


def test_a_run_leaves_a_look_at_every_model_and_a_reading_of_every_comment(tmp_path: Path, tiny_recipe: Recipe):
    given = everything(120)
    write_job(tmp_path, given, tiny_recipe)
    run_job(tmp_path)
    looks = json.loads((tmp_path / "closer.json").read_text())
    assert set(looks["satisfaction"]) == {"encoder", "tfidf_logistic"}
    assert set(looks["rating"]) == {"encoder", "participant_item_means", "tfidf_logistic"}
    for kind in ("satisfaction", "rating"):
        told = looks[kind]["encoder"]["worst"]
        assert all(len(one["words"]) == len(one["weights"]) > 0 for one in told)
    read = json.loads((tmp_path / "comments.json").read_text())["readings"]
    assert {one["key"] for one in read} == {e.key for e in given.satisfaction if e.text.strip()}
    assert all(1 <= one["expected"] <= 5 and one["likely"] for one in read)


def test_themes_part_what_is_about_different_things():
    texts = [text for text in (*COLD, *WARM) for _ in range(8)]
    found = find_themes(texts, [str(i) for i in range(len(texts))], "embedded", "cpu")
    about = {text: set(found.theme[[t == text for t in texts]]) for text in (*COLD, *WARM)}
    assert not set.union(*(about[t] for t in COLD)) & set.union(*(about[t] for t in WARM))
    assert any("delivery" in " ".join(label) for label in found.labels)


def test_chinese_comments_that_the_encoder_cannot_read_have_themes_too():
    texts = [t for t in ("味道很好非常喜欢", "味道好喜欢这里", "服务太慢等了很久", "等了很久服务差") for _ in range(9)]
    found = find_themes(texts, [str(i) for i in range(len(texts))], "embedded", "cpu")
    assert len(found.labels) >= 2
    assert set(found.theme[:18]).isdisjoint(found.theme[18:])


def test_no_name_is_a_word_that_only_one_person_uses():
    said = [terms("secret project delivery"), terms("delivery late"), terms("delivery"), terms("fabric")]
    label = names(said, ["a", "b", "c", "d"], np.array([0, 0, 0, 1]))[0]
    assert label == ["delivery"]


def test_a_handful_of_comments_has_no_themes():
    found = find_themes(["good"] * 10, ["p"] * 10, "embedded", "cpu")
    assert found.labels == []
    assert set(found.theme) == {-1}
