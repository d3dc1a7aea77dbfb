"""Simple models: they count as the libraries do, and answer alike after saving."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from recux.learn.baselines import fit_baselines
from recux.learn.calibration import predicted_stars
from recux.learn.errors import HeadMissing
from recux.learn.examples import Pair, SatisfactionExample
from recux.learn.metrics import Groups, measure, one_hot, quadratic_kappa
from recux.learn.predictor import load
from recux.learn.response_time import fit_overall, fit_response_time, load_response_time, save_response_time
from recux.learn.saved import save_baseline
from recux.learn.tfidf import fit_comments, gram_counts, make_counter, make_vectoriser
from tests.learn.conftest import everything
from tests.learn.test_models import ODD, PAIR
from tests.learn.test_run import requests


def test_baselines_answer_alike_after_saving(tmp_path: Path):
    fitted = fit_baselines(everything(200))
    assert set(fitted) == {"satisfaction", "rating", "behaviour"}
    inputs = {"satisfaction": ODD, "rating": [PAIR], "behaviour": [PAIR]}
    made = [(kind, one) for kind, baselines in fitted.items() for one in baselines]
    assert [(kind, one.name) for kind, one in made] == [
        ("satisfaction", "tfidf_logistic"),
        ("rating", "participant_item_means"),
        ("rating", "tfidf_logistic"),
        ("behaviour", "base_rate"),
        ("behaviour", "tfidf_logistic"),
    ]
    for kind, baseline in made:
        save_baseline(baseline, tmp_path / kind)
        served = load(tmp_path / kind)
        for head, p in baseline.raw(inputs[kind]).items():
            assert np.allclose(served.scorer.raw(inputs[kind])[head], p, atol=1e-5)
    assert not [f for f in tmp_path.rglob("*") if f.suffix in {".pkl", ".joblib"}]
    with pytest.raises(HeadMissing, match="was not trained for rating"):
        load(tmp_path / "satisfaction").rating([PAIR])


@pytest.mark.parametrize(
    "texts",
    [
        ["😀 👍", "😡!", "👍👍 ...", "😡 ?!"] * 10,
        [f"{2 * i:04d}很{2 * i + 1:04d}" for i in range(160)],  # no word twice
    ],
)
def test_comments_without_a_word_or_without_one_that_recurs_are_read_by_their_characters(
    texts: list[str], tmp_path: Path
):
    stars = [5.0 if i % 2 == 0 else 1.0 for i in range(len(texts))]
    given = [
        SatisfactionExample(f"c{i}", f"p{i}", "train", t, s) for i, (t, s) in enumerate(zip(texts, stars, strict=True))
    ]
    fitted = fit_comments(given)
    assert list(fitted.vocabularies) == ["char"]
    save_baseline(fitted, tmp_path / "words")
    p = load(tmp_path / "words").scorer.raw(texts)["satisfaction"]
    assert np.allclose(p, fitted.raw(texts)["satisfaction"], atol=1e-5)
    assert np.allclose(p.sum(1), 1)
    assert p[0, 4] > p[1, 4]


def test_a_bag_of_words_counts_as_the_library_does():
    odd = ["Ü ΑΣ ΑΣ, İstanbul  😀", "a\tb\n\nb", "很喜欢 这件 a", "the the the thermal", "x", "", " "]
    taught = [*odd, *(f"lovely dress {i} and the fit was fine" for i in range(20))]
    for kind in ("word", "char"):
        library = make_vectoriser(kind).fit(taught)
        grams = list(library.get_feature_names_out())
        for texts in (odd, odd[::-1] * 3, ["never seen ΣΑΣ"], [" "], []):
            counted = gram_counts(make_counter(kind, grams), texts).toarray()
            assert np.array_equal(counted, CountVectorizer.transform(library, texts).toarray()), (kind, texts)


def test_people_who_rate_high_and_items_rated_high_raise_the_means_baseline():
    baseline = fit_baselines(everything(60, 80))["rating"][0]
    stars = [
        baseline.raw([Pair("x", item, "", "", earlier)])["rating"][0] @ np.arange(1, 6)
        for item, earlier in (("i1", (5.0,) * 6), ("i1", (1.0,) * 6), ("i2", (1.0,) * 6))
    ]
    assert stars[1] > stars[2]
    assert stars[0] > stars[2]


def test_response_time_quantiles_rise_follow_the_arm_and_survive_saving(tmp_path: Path):
    model = fit_response_time(requests())
    save_response_time(model, tmp_path / "m")
    fast, slow = requests(2)
    p = load_response_time(tmp_path / "m").predict([fast, slow])
    assert (p["p50"] < p["p90"]).all()
    assert (p["p95"] <= p["p99"]).all()
    assert p["p50"][1] > 2 * p["p50"][0]
    assert fit_overall(requests()).predict([fast, slow])["p50"][0] == fit_overall(requests()).predict([slow])["p50"][0]


def test_character_ngrams_beat_the_majority_on_chinese_reviews(data_folder: Path):
    with (data_folder / "asap_zh" / "asap_sample300.csv").open(encoding="utf-8-sig", newline="") as stream:
        reviews = [(r["reviewbody"], float(r["star"])) for r in csv.DictReader(stream)]
    order = np.random.default_rng(0).permutation(len(reviews))
    called = np.zeros(len(reviews), dtype=int)
    for fold in range(5):
        tested = order[fold::5]
        taught = np.setdiff1d(order, tested)
        model = fit_comments([SatisfactionExample(str(i), str(i), "train", *reviews[i]) for i in taught])
        called[tested] = predicted_stars(model.raw([reviews[i][0] for i in tested])["satisfaction"])
    stars = np.array([int(s) for _, s in reviews])
    groups = Groups.of([str(i) for i in range(len(reviews))])
    kappa = measure(
        quadratic_kappa(groups.total(one_hot((stars - 1) * 5 + called - 1, 25)).reshape(-1, 5, 5)), 300, 300
    )
    assert kappa.ci_low > 0  # the majority class alone has a kappa of 0
