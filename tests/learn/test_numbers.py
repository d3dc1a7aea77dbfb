"""Losses, metrics, calibration and the champion rule against independent sources."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from coral_pytorch.losses import corn_loss
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from recux.learn import metrics
from recux.learn.calibration import (
    conformal_quantile,
    conformal_sets,
    covered,
    crossed,
    expected_stars,
    fit,
    multiplied,
    predicted_stars,
    said_of,
    star_cuts,
)
from recux.learn.champion import Contender, beats, choose_champion
from recux.learn.curves import curved, fit_curve
from recux.learn.examples import HEADS
from recux.learn.heads import log_probabilities, minibatch_loss, row_losses
from recux.learn.metrics import Groups, binary_measures, log_loss_rows, ordinal_measures
from recux.learn.scaling import Scale, fit_scale, scaled, slopes


def test_the_ordinal_loss_is_corn_s_up_to_its_normalisation():
    torch.manual_seed(0)
    logits, labels = torch.randn(200, 4), torch.randint(1, 6, (200,)).float()
    tasks = sum(int((labels > k).sum()) for k in range(4))  # rows that enter each conditional task
    theirs = corn_loss(logits, labels.long() - 1, num_classes=5) * tasks
    assert float(row_losses("rating", logits, labels, "corn").sum()) == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize("ordinal", ["corn", "cross_entropy"])
def test_probabilities_of_stars_sum_to_one(ordinal: str):
    logits = torch.randn(50, 4 if ordinal == "corn" else 5) * 8
    assert torch.allclose(log_probabilities(logits, ordinal).exp().sum(-1), torch.ones(50))


def test_a_missing_label_adds_nothing_to_loss_or_gradient():
    logits = {"recommend": torch.zeros(3, 1, requires_grad=True)}
    labels = torch.full((3, len(HEADS)), float("nan"))
    labels[0, HEADS.index("recommend")] = 1.0
    loss = minibatch_loss(logits, labels, {"recommend": 1.0}, "corn", 0.0)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(np.log(2))
    assert logits["recommend"].grad.flatten().tolist() == [-0.5, 0.0, 0.0]


def rows(n: int = 400, people: int = 40, seed: int = 0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(5), n).round(2) + 0.01
    p /= p.sum(1, keepdims=True)
    y = np.array([rng.choice(5, p=row) + 1 for row in p])
    return p, y, [f"p{i}" for i in rng.integers(0, people, n)]


def cross_said(p, y, who):
    return said_of("rating", p, y - 1, who, crossed("rating", p, y - 1, who))


def test_ordinal_measures_agree_with_scikit_learn():
    p, y, who = rows()
    got = ordinal_measures(p, y.astype(float), who, predicted_stars(p))
    called = predicted_stars(p)
    expected = {
        "log_loss": sk.log_loss(y, p),
        "accuracy": sk.accuracy_score(y, called),
        "f1_macro": sk.f1_score(y, called, average="macro"),
        "mae": sk.mean_absolute_error(y, called),
        "qwk": sk.cohen_kappa_score(y, called, weights="quadratic"),
        "auc": sk.roc_auc_score(y >= 4, p[:, 3:].sum(1)),
        "brier": np.mean(((p - np.eye(5)[y - 1]) ** 2).sum(1)),
    }
    assert {k: got[k].value for k in expected} == pytest.approx(expected)
    assert all(m.ci_low < m.value < m.ci_high for k, m in got.items() if k != "ece")


def test_binary_measures_agree_with_scikit_learn_also_with_ties():
    rng = np.random.default_rng(1)
    p = rng.random(300).round(1)
    y = (rng.random(300) < p).astype(float)
    got = binary_measures(p, y, [f"p{i % 30}" for i in range(300)])
    assert got["auc"].value == pytest.approx(sk.roc_auc_score(y, p))
    assert got["f1_macro"].value == pytest.approx(sk.f1_score(y, p >= 0.5, average="macro"))
    assert got["brier"].value == pytest.approx(sk.brier_score_loss(y, p))


def test_a_resample_is_what_repeating_the_drawn_participants_gives():
    p, y, who = rows(120, 15)
    groups = Groups.of(who, seed=3)
    ids = np.unique(who)
    for r in (1, 2, 3):
        picked = np.concatenate(
            [np.repeat(np.flatnonzero(np.array(who) == w), int(groups.draws[r, i])) for i, w in enumerate(ids)]
        )
        again = sk.cohen_kappa_score(y[picked], predicted_stars(p[picked]), weights="quadratic")
        confusion = groups.total(metrics.one_hot((y - 1) * 5 + predicted_stars(p) - 1, 25)).reshape(-1, 5, 5)
        assert metrics.quadratic_kappa(confusion)[r] == pytest.approx(again)
        score, yes = p[:, 4], (y == 5).astype(float)
        assert metrics.auc(groups, score, yes)[r] == pytest.approx(sk.roc_auc_score(yes[picked], score[picked]))


def test_one_class_has_no_auc_and_says_why():
    got = binary_measures(np.linspace(0.1, 0.9, 30), np.ones(30), [f"p{i}" for i in range(30)])["auc"]
    assert got.value is None
    assert "one class" in got.reason


def test_too_few_participants_give_a_value_without_an_interval():
    p, y, _ = rows(40)
    got = ordinal_measures(p, y.astype(float), ["a", "b"] * 20, predicted_stars(p))["mae"]
    assert got.value is not None
    assert got.ci_low is None
    assert "2 participants" in got.reason


def test_a_scale_undoes_overconfidence():
    p, y, _ = rows(4000)
    found = fit_scale(scaled(p, Scale(0.5)), y - 1)
    assert slopes(found) == pytest.approx(np.full(5, 0.5), abs=0.06)
    assert np.array(found.shift) == pytest.approx(np.zeros(5), abs=0.12)


def test_a_scale_finds_what_each_class_needs():
    p, y, _ = rows(6000)
    planted = Scale(1.6, [0.6, 1.0, 1.4, 1.0, 0.8], [0.5, 0.0, -0.4, 0.2, -0.3])
    distorted = scaled(p, planted)
    fair = scaled(distorted[:3000], fit_scale(distorted[3000:], y[3000:] - 1))
    losses = [log_loss_rows(x, y[:3000] - 1).mean() for x in (p[:3000], fair, distorted[:3000])]
    assert losses[1] - losses[0] < 0.1 * (losses[2] - losses[0])


def test_stars_are_expected_as_often_as_they_occur_which_no_temperature_gives():
    p, y, _ = rows(4000)
    said = scaled(p, Scale(0.5, (), [0.0, 0.0, 0.0, -0.6, 0.6]))
    occurs = np.bincount(y - 1, minlength=5) / 4000
    assert scaled(said, fit_scale(said, y - 1)).mean(0) == pytest.approx(occurs, abs=0.01)
    assert min(abs(scaled(said, Scale(t)).mean(0) - occurs).max() for t in np.linspace(0.5, 5, 20)) > 0.02


def test_of_a_yes_and_a_no_the_scale_is_that_of_a_logistic_regression_and_keeps_the_order():
    rng = np.random.default_rng(1)
    said = rng.uniform(0.01, 0.99, 20_000)
    odds = np.log(said / (1 - said))
    yes = (rng.random(len(said)) < 1 / (1 + np.exp(0.7 - 0.6 * odds))).astype(int)
    theirs = LogisticRegression(C=np.inf).fit(odds[:, None], yes).predict_proba(odds[:, None])[:, 1]
    found = fit_scale(said, yes)
    assert scaled(said, found) == pytest.approx(theirs, abs=0.02)
    assert (np.diff(scaled(np.linspace(0, 1, 500), found)) >= 0).all()


def test_an_opinion_that_only_knows_how_often_each_star_occurs_adds_nothing():
    p, _, _ = rows(50)
    usual = [0.03, 0.07, 0.1, 0.2, 0.6]
    assert multiplied(p, np.tile(usual, (50, 1)), 1.0, usual) == pytest.approx(p)
    yes = np.linspace(0.1, 0.9, 50)
    assert multiplied(yes, np.full(50, 0.8), 0.7, [0.2, 0.8]) == pytest.approx(yes)


def test_few_rows_hardly_move_the_scale():
    p, _, _ = rows(4)
    found = fit_scale(p, p.argmax(1))
    assert ((slopes(found) > 0.6) & (slopes(found) < 1.6)).all()
    assert abs(scaled(p, found) - p).max() < 0.12
    assert fit_scale(p[:0], p[:0].argmax(1)) == Scale()
    assert scaled(p, Scale()) == pytest.approx(p)


def test_calibration_error_of_a_calibrated_model_is_what_chance_alone_gives():
    p, y, who = rows(2000, 2000)
    fair = cross_said(scaled(p, Scale(0.6)), y, who).p
    assert ordinal_measures(fair, y.astype(float), who, predicted_stars(fair))["ece"].value < 0.031


def test_conformal_sets_cover_nine_in_ten():
    shares = []
    for seed in range(20):
        p, y, _ = rows(2400, seed=seed)
        called = predicted_stars(p, star_cuts(p[:1000]))
        quantile = conformal_quantile(p[:1000], y[:1000] - 1, called[:1000])
        shares.append(covered(p[1000:], y[1000:] - 1, quantile, called[1000:]).mean())
    assert 0.89 < np.mean(shares) < 0.91


def test_cross_fitted_coverage_is_close_to_nominal():
    p, y, who = rows(3000, 300)
    assert cross_said(p, y, who).inside.mean() == pytest.approx(0.9, abs=0.02)


def test_too_few_rows_promise_nothing_and_every_star_is_in_the_set():
    p, y, _ = rows(5)
    assert (
        conformal_sets(p, conformal_quantile(p, y - 1, predicted_stars(p)), predicted_stars(p)) == [[1, 2, 3, 4, 5]] * 5
    )


def test_the_star_that_is_called_is_in_its_own_set():
    p = np.array([[0.0, 0.02, 0.03, 0.05, 0.9]])
    assert conformal_sets(p, 0.3, np.array([4])) == [[4, 5]]


def test_the_predicted_star_is_the_median():
    assert predicted_stars(
        np.array([[0.6, 0.1, 0.1, 0.1, 0.1], [0.3, 0.1, 0.2, 0.3, 0.1], [0, 0, 0, 0.4, 0.6]])
    ).tolist() == [1, 3, 5]


def test_no_other_cuts_beside_the_expected_stars_promise_a_higher_kappa():
    for seed in range(6):
        p, _, _ = rows(60, seed=seed)
        p = np.repeat(p[:12], 5, axis=0)  # twelve different rows, so that all ways to part them can be tried
        stars = np.unique(expected_stars(p).round(12))
        edges = [1.0, *stars, 5.0]
        ways = [
            [(max(a, k) + min(b, k + 1)) / 2 for a, b in pairwise(edges) if a < k + 1 and b > k] for k in range(1, 5)
        ]

        assert promised(p, star_cuts(p)) == pytest.approx(max(promised(p, cuts) for cuts in product(*ways))), seed


def promised(p, cuts):
    """The quadratic weighted kappa to expect when the probabilities hold."""
    together = p.T @ np.eye(5)[predicted_stars(p, list(cuts)) - 1] / len(p)
    apart = np.subtract.outer(np.arange(5), np.arange(5)) ** 2
    return 1 - (apart * together).sum() / (apart * np.outer(together.sum(1), together.sum(0))).sum()


def test_cuts_give_a_higher_kappa_than_the_median():
    for seed in range(5):
        p, y, who = rows(2000, 2000, seed)
        p = scaled(p, Scale(2.0))  # unsure
        said = cross_said(p, y, who)
        theirs = sk.cohen_kappa_score(y, predicted_stars(said.p), weights="quadratic")
        assert sk.cohen_kappa_score(y, said.called, weights="quadratic") > theirs, seed


def test_a_model_that_knows_nothing_calls_the_stars_beside_the_usual_one():
    rng = np.random.default_rng(3)
    p = np.array([0.05, 0.07, 0.12, 0.22, 0.54]) * np.exp(np.outer(rng.normal(size=400) * 0.1, np.arange(5)))
    p /= p.sum(1, keepdims=True)
    called = predicted_stars(p, star_cuts(p))
    assert abs(called - expected_stars(p)).max() <= 1
    assert set(called.tolist()) <= {3, 4, 5}
    assert [low <= cut < low + 1 for low, cut in enumerate(star_cuts(p), 1)] == [True] * 4


def test_rows_that_say_the_same_are_called_the_same():
    p = np.tile(rows(1)[0], (80, 1))
    assert len(set(predicted_stars(p, star_cuts(p)).tolist())) == 1
    for star in (1, 5):
        p = np.full((80, 5), 0.001)
        p[:, star - 1] = 0.996
        assert set(predicted_stars(p, star_cuts(p)).tolist()) == {star}


def test_few_rows_have_no_cuts_and_the_median_is_called():
    p, y, who = rows(40)
    assert star_cuts(p) == []
    said = cross_said(p, y, who)
    assert said.called.tolist() == predicted_stars(said.p).tolist()


def test_a_curve_undoes_what_no_scale_can_and_keeps_the_order():
    rng = np.random.default_rng(0)
    said = rng.uniform(0, 1, 4000)
    yes = (rng.random(4000) < np.where(said < 0.5, said * 0.5, 0.5 + (said - 0.5) * 0.9)).astype(int)
    scale, curve = fit(said[:2000], yes[:2000])
    served = curved(scaled(said, scale), curve)
    grid = curved(np.linspace(0, 1, 200), curve)
    assert (np.diff(grid) >= 0).all()
    assert 0 < grid[0] < grid[-1] < 1
    who = [str(i) for i in range(2000)]
    errors = [
        binary_measures(p[2000:], yes[2000:].astype(float), who)["ece"].value for p in (scaled(said, scale), served)
    ]
    assert errors[0] > 0.03
    assert errors[1] < errors[0] / 1.5


def test_a_curve_moves_the_likeliest_star_and_leaves_the_others_in_proportion():
    p, y, _ = rows(3000)
    p = scaled(p, Scale(0.5))
    curve = fit_curve(p, y - 1)
    served = curved(p, curve)
    right = (p.argmax(1) == y - 1).mean()
    at_likeliest = served[np.arange(3000), p.argmax(1)].mean()
    assert abs(at_likeliest - right) < abs(p.max(1).mean() - right) / 2
    assert served.sum(1) == pytest.approx(np.ones(3000))
    rest = p.argsort(1)[:, :2]
    ratio = [np.take_along_axis(x, rest, 1) for x in (p, served)]
    assert ratio[1][:, 0] / ratio[1][:, 1] == pytest.approx(ratio[0][:, 0] / ratio[0][:, 1])
    assert fit_curve(p[:99], y[:99] - 1) == []
    assert curved(p, []) is p


def test_a_curve_makes_no_other_star_the_likeliest():
    p = np.array([[0.05, 0.1, 0.42, 0.38, 0.05], [0.01, 0.02, 0.03, 0.44, 0.5], [0.0, 0.0, 0.1, 0.2, 0.7], [0.2] * 5])
    for height in (0.05, 0.3, 0.9):
        served = curved(p, [[0.0, 1.0], [height, height]])
        assert served.argmax(1).tolist() == [2, 4, 4, 0]
        assert served.sum(1) == pytest.approx(np.ones(4))
        free = served.max(1) - np.sort(served, 1)[:, -2] > 1e-6
        assert served.max(1)[free] == pytest.approx(np.full(free.sum(), height))
        assert free.tolist() == {0.05: [False] * 4, 0.3: [False] * 3 + [True], 0.9: [True] * 4}[height]
    assert curved(p[2:3], [[0.0, 1.0], [0.69, 0.69]])[0] == pytest.approx([0, 0, 0.31 / 3, 0.62 / 3, 0.69])


BASE = Contender("tfidf_logistic", 1.00, 0.50)


def test_a_candidate_with_lower_loss_than_everyone_is_promoted():
    choice = choose_champion(Contender("encoder", 0.90, 0.6), Contender("incumbent", 0.95, 0.6), [BASE])
    assert (choice.champion, choice.promoted) == ("encoder", True)


def test_a_slightly_worse_loss_needs_a_better_kappa():
    assert beats(Contender("a", 1.019, 0.6), BASE)
    assert not beats(Contender("a", 1.019, 0.5), BASE)
    assert not beats(Contender("a", 1.021, 0.9), BASE)


@given(*[st.tuples(st.floats(0.9, 1.1), st.none() | st.floats(0, 1))] * 2)
@example((1.0, 0.5), (1.01, 0.6))
def test_no_two_models_beat_each_other(one, other):
    a, b = Contender("a", *one), Contender("b", *other)
    assert not (beats(a, b) and beats(b, a))


def test_a_slightly_lower_loss_does_not_outweigh_a_worse_kappa():
    choice = choose_champion(Contender("encoder", 1.0, 0.5), Contender("incumbent", 1.01, 0.6), [])
    assert (choice.champion, choice.promoted) == ("incumbent", False)
    assert beats(Contender("a", 0.989, 0.5), Contender("b", 1.01, 0.6))


def test_on_a_tie_the_incumbent_stays():
    choice = choose_champion(Contender("encoder", 0.9, 0.6), Contender("incumbent", 0.9, 0.6), [BASE])
    assert (choice.champion, choice.promoted) == ("incumbent", False)
    assert "stays" in choice.reason


def test_a_baseline_may_win_and_the_reason_says_so():
    choice = choose_champion(Contender("encoder", 1.2, 0.2), None, [BASE])
    assert (choice.champion, choice.promoted) == ("tfidf_logistic", True)
    assert choice.reason.startswith("the baseline tfidf_logistic (log-loss 1.0000, QWK 0.500) serves")


def test_of_two_baselines_the_one_that_beats_the_other_serves():
    close = Contender("participant_item_means", 1.01, 0.60)
    for simple in ([BASE, close], [close, BASE]):
        assert choose_champion(None, None, simple).champion == "participant_item_means"


def test_an_unfit_candidate_never_serves_whatever_its_figures():
    choice = choose_champion(Contender("encoder", 0.1, 0.9, unfit="64% of the tokens are unknown"), None, [BASE])
    assert choice.champion == "tfidf_logistic"
    assert "64%" in choice.reason


def test_a_damaged_incumbent_is_replaced():
    choice = choose_champion(None, Contender("incumbent", None, unfit="damaged"), [BASE])
    assert (choice.champion, choice.promoted) == ("tfidf_logistic", True)


def test_nobody_measured_means_nobody_is_promoted():
    assert choose_champion(Contender("encoder", None), None, []).champion is None
    assert choose_champion(Contender("encoder", None), Contender("incumbent", None), []).champion == "incumbent"
