"""Drift between rounds, and what a recommender shows of its catalogue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact

from recux import stats

RNG = np.random.default_rng(6)
PEOPLE = np.repeat(np.arange(30), 8)


def moody(rng: np.random.Generator, shift: float = 0.0) -> np.ndarray:
    """Ratings of 30 people, 8 each, who mostly agree with themselves."""
    latent = np.repeat(rng.normal(shift, 1, 30), 8) + rng.normal(0, 0.5, 240)
    return np.clip(np.round(3 + latent), 1, 5)


def test_drift_of_a_moved_distribution_is_found() -> None:
    found = stats.drift(moody(RNG), moody(RNG, 1.5), clusters_before=PEOPLE, clusters_after=PEOPLE + 100, seed=1)
    assert found.psi > 0.25
    assert found.psi_p < 0.01
    assert found.ks_p < 0.01
    assert (found.n_before, found.n_after) == (30, 30)


def test_drift_holds_its_level_although_people_resemble_themselves() -> None:
    rng = np.random.default_rng(9)
    p = [
        stats.drift(moody(rng), moody(rng), clusters_before=PEOPLE, clusters_after=PEOPLE + 100, seed=i, draws=200).ks_p
        for i in range(200)
    ]
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.1


def test_the_same_rows_in_both_rounds_are_no_drift() -> None:
    rows = moody(RNG)
    found = stats.drift(rows, rows, clusters_before=PEOPLE, clusters_after=PEOPLE, seed=1)
    assert (found.psi, found.ks, found.ks_p) == (0, 0, 1)


def test_drift_statistics_match_their_definitions() -> None:
    before, after = RNG.integers(1, 6, 100), RNG.integers(2, 6, 80)
    found = stats.drift(before, after, clusters_before=range(100), clusters_after=range(100, 180), seed=1)
    shares = [(np.bincount(x, minlength=6)[1:] + 0.5) / (len(x) + 2.5) for x in (before, after)]
    assert found.psi == pytest.approx(float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()))
    cdf = [np.mean(x[:, None] <= np.arange(1, 6), axis=0) for x in (before, after)]
    assert found.ks == pytest.approx(np.abs(cdf[0] - cdf[1]).max())


def test_drift_says_when_it_cannot_tell() -> None:
    few = stats.drift([1, 2, 3], [2, 3, 4], clusters_before=[*"abc"], clusters_after=[*"def"], seed=1)
    assert few.psi is None
    assert "fewer than 5" in few.reason
    flat = stats.drift([3] * 9, [3] * 9, clusters_before=range(9), clusters_after=range(9), seed=1)
    assert flat.reason == "all values are equal"


def test_coverage_and_gini() -> None:
    assert stats.coverage(["a", "a", "b"], 4) == 0.5
    assert stats.gini([1, 1, 1, 1]) == pytest.approx(0)
    assert stats.gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert stats.gini([0, 0]).value is None
    with pytest.raises(stats.StatisticsError):
        stats.coverage([*"abc"], 2)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_gini_is_the_mean_difference_of_all_pairs(counts: list[int]) -> None:
    array = np.array(counts, dtype=float)
    expected = np.abs(array[:, None] - array[None, :]).mean() / (2 * array.mean())
    assert stats.gini(counts) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 1000), st.integers(2, 12))
def test_diversity_is_the_mean_over_pairs(seed: int, size: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(size, 5))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [1 - unit[i] @ unit[j] for i in range(size) for j in range(i)]
    assert stats.intra_list_diversity(vectors) == pytest.approx(np.mean(pairs))


def test_novelty_is_the_mean_surprise_in_bits() -> None:
    assert stats.novelty(["a", "b", "new"], {"a": 50, "b": 25}, 100) == pytest.approx((1 + 2 + np.log2(100)) / 3)
    assert stats.novelty([], {}, 10).value is None


def test_serendipity_counts_relevant_items_that_were_not_obvious() -> None:
    assert stats.serendipity([1, 1, 0, None], [True, False, False, False]) == pytest.approx(1 / 3)
    assert stats.serendipity([None], [False]).reason


def test_the_mix_of_cohorts_equals_scipys_chi_square() -> None:
    a, b = ["x"] * 30 + ["y"] * 20 + ["z"] * 10, ["x"] * 15 + ["y"] * 25 + ["z"] * 20
    wanted = chi2_contingency([[30, 20, 10], [15, 25, 20]])
    found = stats.compare_mix(a, b)
    assert found.p == pytest.approx(wanted.pvalue)
    assert found.moved
    assert ("x", 0.5, 0.25) in found.shares


def test_few_people_in_a_cohort_are_exchanged_instead() -> None:
    a, b = ["x"] * 9 + ["y"], ["x"] * 4 + ["y"] * 6
    assert stats.compare_mix(a, b).p == pytest.approx(fisher_exact([[9, 1], [4, 6]]).pvalue, abs=0.02)


def test_one_cohort_or_an_empty_group_has_no_mix_to_compare() -> None:
    assert stats.compare_mix(["x"], ["x", "x"]).p is None
    assert stats.compare_mix([], ["x"]).reason == "a group is empty"


def test_a_difference_made_by_the_mix_alone_disappears_at_an_equal_mix() -> None:
    rng = np.random.default_rng(3)
    kinds_a, kinds_b = ["low"] * 10 + ["high"] * 40, ["low"] * 40 + ["high"] * 10
    a, b = ([rng.normal(5.0 * (kind == "high"), 1) for kind in kinds] for kinds in (kinds_a, kinds_b))
    assert stats.compare_means(a, b).difference < -2
    equal = stats.compare_standardised(a, b, kinds_a, kinds_b)
    assert equal.ci_low < 0 < equal.ci_high
    assert stats.compare_standardised(a, b, ["z"] * 50, ["z"] * 50).p == pytest.approx(stats.compare_means(a, b).p)
