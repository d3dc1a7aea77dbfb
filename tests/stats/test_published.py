"""Numbers that others published, or that were computed twice by different code."""

import numpy as np
import pandas as pd
import pingouin
import pytest
import scipy.integrate
import scipy.stats

from recux import stats


def answers(promoters: int, passives: int, detractors: int) -> list[int]:
    return [10] * promoters + [8] * passives + [3] * detractors


def test_nps_of_a_small_list() -> None:
    score = stats.nps([10, 7, 3, 9])
    assert (score.value, score.promoters, score.passives, score.detractors, score.n) == (25, 2, 1, 1, 4)


def test_nps_with_the_published_wald_margin() -> None:
    score = stats.nps(answers(291, 476, 395), method="wald")
    assert score.value == pytest.approx(-8.9501, abs=5e-5)
    assert score.se == pytest.approx(2.2387, abs=5e-5)
    assert (score.ci_high - score.ci_low) / 2 == pytest.approx(4.3877, abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "value", "low", "high"),
    [((12, 5, 3), 45, 8.43, 69.83), ((15, 13, 8), 19.44, -6.28, 42.18), ((5, 0, 0), 100, 17.49, 100)],
)
def test_nps_with_adjusted_wald_intervals(counts: tuple[int, int, int], value: float, low: float, high: float) -> None:
    score = stats.nps(answers(*counts))
    assert (score.value, score.ci_low, score.ci_high) == pytest.approx((value, low, high), abs=0.005)


def test_skipped_answers_leave_the_nps_denominator_and_zero_is_an_answer() -> None:
    assert stats.nps([10, None, 0, None]).n == 2
    assert stats.nps([10, None, 0, None]).value == 0


def test_nps_difference_and_its_standard_error() -> None:
    change = stats.compare_nps(answers(6, 7, 7), answers(12, 5, 3))
    assert (change.difference, change.se) == pytest.approx((50, 24.444), abs=5e-4)


@pytest.mark.parametrize(
    ("row", "value"), [("4152514231", 85), ("3333333333", 50), ("5151515151", 100), ("4241425242", 80)]
)
def test_sus(row: str, value: float) -> None:
    assert stats.sus([int(c) for c in row]).value == value


@pytest.mark.parametrize(("pair", "raw", "value"), [((6, 7), 91.67, 82.48), ((2, 1), 8.33, 28.32)])
def test_umux_lite(pair: tuple[int, int], raw: float, value: float) -> None:
    score = stats.umux_lite(pair)
    assert (score.raw, score.value) == pytest.approx((raw, value), abs=0.005)


def test_cronbach_alpha_of_seven_people() -> None:
    rows = [[int(c) for c in row] for row in ["45434", "34343", "55445", "23323", "44444", "33232", "45544"]]
    assert stats.cronbach_alpha(rows).value == pytest.approx(0.926724, abs=5e-7)


def test_cronbach_alpha_counts_only_the_people_really_used() -> None:
    table = pingouin.read_dataset("cronbach_wide_missing")
    assert stats.cronbach_alpha(table, missing="pairwise").value == pytest.approx(0.732661, abs=5e-7)
    listwise = stats.cronbach_alpha(table, missing="listwise")
    documented = pingouin.cronbach_alpha(data=table, nan_policy="listwise")[1]
    assert documented == pytest.approx([0.581, 0.933], abs=5e-4)
    assert listwise.n == 9
    assert (listwise.value, listwise.ci_low, listwise.ci_high) == pytest.approx((0.801695, 0.533, 0.947), abs=5e-4)


def with_sums(n: int, total: float, squares: float) -> np.ndarray:
    half, spread = n // 2, np.sqrt((squares - total**2 / n) / (2 * (n // 2)))
    return total / n + np.concatenate([np.full(half, spread), np.full(half, -spread), np.zeros(n - 2 * half)])


def test_welch_from_published_sums() -> None:
    change = stats.compare_means(with_sums(3407, 1396.87, 52377.9767), with_sums(3461, 2422.7, 134698.29))
    assert change.difference == pytest.approx(0.29, abs=5e-5)
    assert change.se == pytest.approx(0.12478, abs=5e-6)
    assert (change.ci_low, change.ci_high, change.p) == pytest.approx((0.04538, 0.53462, 0.02016), abs=5e-6)


@pytest.mark.parametrize(
    ("counts", "p", "ok"), [([480, 520], 0.2059, True), ([12, 28], 0.0166, True), ([3, 17], 0.00258, False)]
)
def test_sample_ratio_is_exact_below_a_thousand_people(counts: list[int], p: float, ok: bool) -> None:
    check = stats.srm(counts)
    assert check.p == pytest.approx(p, abs=5e-5)
    assert check.ok is ok


@pytest.mark.parametrize(("counts", "p"), [([12, 28], 0.0114), ([3, 17], 0.00175)])
def test_chi_square_would_call_small_samples_mismatched_too_soon(counts: list[int], p: float) -> None:
    assert scipy.stats.chisquare(counts).pvalue == pytest.approx(p, abs=5e-5)
    assert stats.srm(counts).p > p


def test_eight_of_ten_looks_better_under_flat_priors_than_the_exact_test_allows() -> None:
    better, worse = scipy.stats.beta(9, 3), scipy.stats.beta(4, 8)
    probability, _ = scipy.integrate.quad(lambda x: better.pdf(x) * worse.cdf(x), 0, 1)
    assert probability == pytest.approx(0.985, abs=5e-4)


def test_eight_of_ten_against_three_of_ten_is_not_overclaimed() -> None:
    change = stats.compare_proportions(3, 10, 8, 10)
    assert change.p == pytest.approx(0.0698, abs=5e-5)
    assert change.ci_low < 0 < change.ci_high


def test_zero_failures_of_forty_still_have_an_upper_limit() -> None:
    assert stats.proportion(0, 40).ci_high == pytest.approx(0.088, abs=5e-4)


@pytest.mark.parametrize(("q", "needed"), [(0.95, 72), (0.99, 368)])
def test_a_latency_quantile_needs_enough_requests(q: float, needed: int) -> None:
    durations = np.random.default_rng(1).exponential(100, needed)
    assert stats.latency_quantile(durations, q).value is not None
    short = stats.latency_quantile(durations[1:], q)
    assert short.value is None
    assert str(needed) in str(short.reason)


@pytest.mark.parametrize(
    ("n", "nps_points", "rating"), [(20, 69, 0.59), (50, 44, 0.37), (100, 31, 0.27), (200, 22, 0.19)]
)
def test_smallest_detectable_effect(n: int, nps_points: float, rating: float) -> None:
    assert round(stats.minimum_detectable_effect(n, sd=78).value) == nps_points
    assert stats.minimum_detectable_effect(n, sd=1.1, icc=0.3, k=10).value == pytest.approx(rating, abs=0.0055)


def test_required_n_is_the_smallest_that_detects_the_effect() -> None:
    n = stats.required_n(30, sd=78).n_per_arm
    assert stats.minimum_detectable_effect(n, sd=78).value <= 30 < stats.minimum_detectable_effect(n - 1, sd=78).value


def test_csat_is_the_share_of_the_two_best_answers() -> None:
    score = stats.csat([5, 4, 3, None, 1, 5])
    assert (score.value, score.n) == (0.6, 5)
    assert stats.csat([7, 6, 5, 1], scale=7).value == 0.5


def test_ces_is_a_mean_and_agreement_is_not_certainty() -> None:
    assert stats.ces([7, 5, 6]).value == 6
    agreed = stats.ces([7] * 20)
    assert agreed.value == 7
    assert agreed.ci_low == pytest.approx(0.025 ** (1 / 20) * 6 + 1)


def test_alpha_takes_a_data_frame_with_missing_answers() -> None:
    frame = pd.DataFrame({"q1": [1, 2, 3, 4, None], "q2": [2, 2, 3, 5, 1]})
    assert stats.cronbach_alpha(frame).n == 4


def test_pooled_ratings_find_differences_in_noise_and_participants_do_not() -> None:
    rng = np.random.default_rng(30)
    people = np.repeat(np.arange(20), 10)
    found = []
    for _ in range(1000):
        a, b = (rng.normal(0, np.sqrt(0.3), 20)[people] + rng.normal(0, np.sqrt(0.7), 200) for _ in range(2))
        pooled = stats.compare_means(a, b).p, scipy.stats.mannwhitneyu(a, b).pvalue
        found.append((*pooled, stats.compare_means(a, b, clusters_a=people, clusters_b=people).p))
    errors = (np.array(found) < 0.05).mean(axis=0)
    assert errors == pytest.approx([0.30, 0.28, 0.048], abs=0.045)
