"""Candidate, baseline and incumbent of one kind: judged on the same heads, and as they will serve."""

from dataclasses import replace
from itertools import islice
from math import log
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from recux.learn.baselines import fit_baselines
from recux.learn.calibration import Calibration, halves
from recux.learn.closer import closer_look
from recux.learn.evaluation import evaluate
from recux.learn.examples import Examples, Pair
from recux.learn.files import read_json, write_json
from recux.learn.jobs import Job, write_job
from recux.learn.predictor import load
from recux.learn.recipe import Recipe
from recux.learn.run import run_job
from tests.learn.conftest import BAD, GOOD, comments, everything

PAIR = Pair("p1", "i3", "for me", "dress lovely", (4.0, 2.0), 1)


def rare_purchases() -> Examples:
    """Clicks that can be learned, and too few purchases to learn from."""
    given = everything(0, 80)
    bought = {
        e.key for side in ("train", "heldout") for e in islice((e for e in given.behaviour if e.split == side), 2)
    }
    return replace(given, behaviour=tuple(replace(e, purchase=e.key in bought) for e in given.behaviour))


def test_models_are_compared_over_the_same_heads_and_serve_what_they_were_judged_by(
    tmp_path: Path, tiny_recipe: Recipe
):
    write_job(tmp_path, rare_purchases(), tiny_recipe)
    result = run_job(tmp_path)
    assert set(result.left_out) >= {"purchase"}
    models = {m.name: m for m in result.kinds["behaviour"].models}
    encoder, rate = models["encoder"].metrics, models["base_rate"].metrics
    assert encoder["log_loss"].value - encoder["click_log_loss"].value == pytest.approx(rate["purchase_log_loss"].value)
    assert encoder["log_loss"].n == rate["log_loss"].n
    assert not [name for name in encoder if name.startswith("purchase")], "no figures of a head that it lacks"
    served, simple = (load(models[name].folder).behaviour([PAIR])[0] for name in ("encoder", "base_rate"))
    assert served["purchase"] == pytest.approx(simple["purchase"])
    assert served["click"] != pytest.approx(simple["click"])


def test_word_counts_of_people_and_items_serve_where_they_are_best(tmp_path: Path, tiny_recipe: Recipe):
    given = everything(0, 120)
    ratings = tuple(  # every item is rated once, by people who are alike: only the words tell
        replace(e, pair=replace(e.pair, item=e.key, item_text=f"dress {(BAD, GOOD)[star > 3][i % 4]}"), rating=star)
        for i, e in enumerate(given.rating)
        for star in [(1.0, 2.0, 4.0, 5.0)[i % 7 % 4]]
    )
    likes = {e.pair.participant + str(e.pair.position): e for e in ratings}
    behaviour = tuple(
        replace(e, pair=(rated := likes[e.pair.participant + str(e.pair.position)]).pair, click=rated.rating > 3)
        for e in given.behaviour
    )
    given, hardly = Examples((), ratings, behaviour), tiny_recipe.but(epochs=1, lr=1e-9)
    write_job(tmp_path / "1", given, hardly)
    first = run_job(tmp_path / "1").kinds
    assert {kind: one.choice.champion for kind, one in first.items()} == dict.fromkeys(
        ("rating", "behaviour"), "tfidf_logistic"
    )
    places = {kind: tmp_path / "1" / "models" / kind / "tfidf_logistic" for kind in first}
    assert all("tfidf_logistic" in (place / "README.md").read_text() for place in places.values())
    pairs = [replace(PAIR, item_text=f"dress {word}") for word in ("awful", "lovely")]
    bad, good = load(places["rating"]).rating(pairs)
    assert bad["predicted"] < 3 < good["predicted"]
    bad, good = load(places["behaviour"]).behaviour(pairs)
    assert bad["click"] < 0.2 < 0.8 < good["click"]
    write_job(tmp_path / "2", given, hardly, incumbents=places)
    assert {one.choice.champion for one in run_job(tmp_path / "2").kinds.values()} == {"incumbent"}


def test_the_incumbent_is_judged_by_the_calibration_it_serves_with(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path / "1", Examples(comments(300)), tiny_recipe)
    old = next(m for m in run_job(tmp_path / "1").kinds["satisfaction"].models if m.name == "encoder").folder
    sour = [  # people who came since mean less by the same words: a new calibration would make up for it
        replace(e, key=f"n{e.key}", participant=f"n{e.participant}", satisfaction=max(1.0, e.satisfaction - 2), round=2)
        for e in comments(900, seed=1)
    ]
    given = Examples((*comments(300), *sour))
    tested = [e for e in given.satisfaction if e.split == "heldout"]
    classes = [int(e.satisfaction) - 1 for e in tested]
    raw = load(old).scorer.raw([e.text for e in tested])["satisfaction"]

    def judged(name: str) -> float:
        write_job(tmp_path / name, given, tiny_recipe, incumbents={"satisfaction": old})
        models = run_job(tmp_path / name).kinds["satisfaction"].models
        return next(m for m in models if m.name == "incumbent").metrics["log_loss"].value

    before = {file.name: file.read_bytes() for file in old.glob("*.json")}
    first, second = (
        Calibration(**one).served("satisfaction", raw) for one in read_json(old / "crossed.json")
    )  # each half as the other taught it then
    p = np.where(halves([e.participant for e in tested])[:, None], first, second)
    assert judged("2") == pytest.approx(mean(-log(row[y]) for row, y in zip(p, classes, strict=True)))
    assert {file.name: file.read_bytes() for file in old.glob("*.json")} == before

    (old / "crossed.json").unlink()  # as models of earlier versions are
    hot = replace(load(old).calibration, temperature={"satisfaction": 12.0, "recommend": 1.0})
    write_json(old / "calibration.json", hot.to_dict())
    p = hot.served("satisfaction", raw)
    assert judged("3") == pytest.approx(mean(-log(row[y]) for row, y in zip(p, classes, strict=True)))


def test_a_damaged_calibration_costs_the_incumbent_its_place(tmp_path: Path, tiny_recipe: Recipe):
    write_job(tmp_path / "1", Examples(comments(120)), tiny_recipe)
    old = run_job(tmp_path / "1").kinds["satisfaction"].models[0].folder
    (old / "crossed.json").write_text("{")
    write_job(tmp_path / "2", Examples(comments(120)), tiny_recipe, incumbents={"satisfaction": old})
    assert run_job(tmp_path / "2").kinds["satisfaction"].choice.promoted


def test_cold_start_is_calibrated_and_called_as_the_other_figures_are():
    given = everything(0, 300)
    found = evaluate(fit_baselines(given)["rating"][0], given, "rating")
    rows, said = found.rows["rating"], found.said["rating"]
    known = np.array([len(pair.earlier) for pair in rows.inputs]) >= 5
    part = found.cold_start["5+ earlier"]
    assert part["mae"].n == known.sum() > 30
    assert part["mae"].value == pytest.approx(np.abs(said.called - rows.labels)[known].mean())
    losses = -np.log(said.p[np.arange(len(rows.labels)), rows.classes])
    assert part["log_loss"].value == pytest.approx(losses[known].mean())
    assert found.cold_start["0 earlier"]["mae"].n == len({e.pair.participant for e in given.of("heldout").rating})


def test_each_pair_is_scored_once_for_all_figures(tiny_recipe: Recipe):
    given = everything(0, 60)
    means = fit_baselines(given)["rating"][0]

    class Counted:
        heads, asked = means.heads, 0

        def raw(self, inputs):
            self.asked += len(inputs)
            return means.raw(inputs)

    scorer = Counted()
    found = evaluate(scorer, given, "rating")
    assert scorer.asked == len(given.of("heldout").rating)
    closer_look(scorer, found, Job(given, tiny_recipe).cohorts)
    changed = 4 * min(150, len(found.rows["rating"].labels))  # as they are, typo, case, synonym
    assert scorer.asked <= len(given.of("heldout").rating) + changed
