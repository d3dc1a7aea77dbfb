"""The same figures from other people's code."""

import numpy as np
import pingouin
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from recux import stats

RNG = np.random.default_rng(20)


def close(x: float) -> object:
    return pytest.approx(x, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("sizes", [(5, 40), (20, 20), (200, 13)])
def test_compare_means_is_welch(sizes: tuple[int, int]) -> None:
    a, b = RNG.normal(3, 1, sizes[0]), RNG.normal(3.2, 2, sizes[1])
    mine, theirs = stats.compare_means(a, b), CompareMeans(DescrStatsW(b), DescrStatsW(a))
    low, high = theirs.tconfint_diff(usevar="unequal")
    assert (mine.ci_low, mine.ci_high) == (close(low), close(high))
    assert mine.p == close(scipy.stats.ttest_ind(a, b, equal_var=False).pvalue)


def test_compare_means_with_clusters_is_welch_on_their_means() -> None:
    values, people = RNG.integers(1, 6, 200).astype(float), RNG.integers(0, 20, 200)
    means = [values[people == person].mean() for person in np.unique(people)]
    mine = stats.compare_means(values, values + 1, clusters_a=people, clusters_b=people)
    assert mine.p == close(scipy.stats.ttest_ind(means, np.array(means) + 1, equal_var=False).pvalue)
    assert (mine.n_a, mine.n_b) == (len(means), len(means))


def test_compare_paired_is_the_paired_t_test() -> None:
    a, b = RNG.normal(size=30), RNG.normal(0.3, 1, size=30)
    theirs = scipy.stats.ttest_rel(b, a)
    mine, interval = stats.compare_paired(a, b), theirs.confidence_interval()
    assert (mine.p, mine.ci_low, mine.ci_high) == (close(theirs.pvalue), close(interval.low), close(interval.high))


def test_compare_ordinal_is_brunner_munzel() -> None:
    a, b = RNG.integers(1, 6, 25), RNG.integers(2, 6, 40)
    mine = stats.compare_ordinal(a, b)
    pairs = np.sign(b[:, None] - a[None, :])
    assert mine.superiority == close(float((pairs > 0).mean() + (pairs == 0).mean() / 2))
    assert mine.p == close(scipy.stats.brunnermunzel(a, b).pvalue)


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 7), (7, 7), (61, 500)])
def test_proportion_is_clopper_pearson(k: int, n: int) -> None:
    mine = stats.proportion(k, n)
    assert (mine.ci_low, mine.ci_high) == tuple(map(close, proportion_confint(k, n, method="beta")))


def test_sample_ratio_matches_the_binomial_test_with_unequal_weights() -> None:
    assert stats.srm([30, 70], [1, 3]).p == close(scipy.stats.binomtest(30, 100, 0.25).pvalue)


def test_sample_ratio_of_many_arms_is_simulated_close_to_chi_square() -> None:
    counts = [130, 150, 160, 140, 170]
    check = stats.srm(counts)
    assert check.method == "simulated"
    assert check.p == pytest.approx(scipy.stats.chisquare(counts).pvalue, abs=0.01)


def test_adjusted_p_values() -> None:
    p = RNG.uniform(0, 0.2, 12)
    assert np.allclose(stats.holm(p), multipletests(p, method="holm")[1])
    assert np.allclose(stats.benjamini_hochberg(p).adjusted, multipletests(p, method="fdr_bh")[1])


@pytest.mark.parametrize("missing", ["listwise", "pairwise"])
def test_cronbach_alpha(missing: str) -> None:
    table = pingouin.read_dataset("cronbach_wide_missing")
    theirs, _ = pingouin.cronbach_alpha(data=table, nan_policy=missing)
    assert stats.cronbach_alpha(table, missing=missing).value == close(theirs)


def test_omega_recovers_the_reliability_of_a_known_model() -> None:
    loadings, unique = np.array([0.9, 0.7, 0.5, 0.8]), np.array([0.3, 0.6, 0.8, 0.4])
    factor, noise = RNG.normal(size=(200_000, 1)), RNG.normal(size=(200_000, 4))
    omega = stats.mcdonald_omega(factor * loadings + noise * np.sqrt(unique))
    assert omega.value == pytest.approx(loadings.sum() ** 2 / (loadings.sum() ** 2 + unique.sum()), abs=0.003)


def test_omega_equals_statsmodels_maximum_likelihood_factor() -> None:
    from statsmodels.multivariate.factor import Factor

    data = RNG.normal(size=(60, 1)) + RNG.normal(size=(60, 5))
    theirs = Factor(data, n_factor=1, method="ml").fit()
    assert np.allclose(np.abs(stats.mcdonald_omega(data).loadings), np.abs(theirs.loadings[:, 0]), atol=1e-4)


def test_cluster_ratio_of_single_rows_is_clopper_pearson_up_to_the_small_sample_quantile() -> None:
    clicks = RNG.random(4000) < 0.1
    mine = stats.cluster_ratio(clicks.astype(float), np.ones(4000), np.arange(4000))
    theirs = stats.proportion(int(clicks.sum()), 4000)
    assert (mine.ci_low, mine.ci_high) == pytest.approx((theirs.ci_low, theirs.ci_high), rel=1e-3)


def test_cluster_bootstrap_of_a_mean_has_the_width_of_the_t_interval() -> None:
    values, people = RNG.normal(size=600), np.repeat(np.arange(60), 10)
    boot = stats.cluster_bootstrap(lambda w: (w @ values) / w.sum(axis=1), people, seed=3, draws=20_000)
    exact = stats.cluster_mean(values, people)
    assert boot.value == close(exact.value)
    assert boot.ci_high - boot.ci_low == pytest.approx(exact.ci_high - exact.ci_low, rel=0.03)


def test_resampled_latency_matches_a_plain_loop_over_participants() -> None:
    people, draws = np.repeat(np.arange(30), 12), np.random.default_rng(5)
    a, b = RNG.lognormal(5, 1, 360), RNG.lognormal(5.3, 1, 360)
    mine = stats.compare_latency(a, b, 0.9, clusters_a=people, clusters_b=people, seed=7)
    by_person_a, by_person_b = a.reshape(30, 12), b.reshape(30, 12)
    loop = [
        np.quantile(by_person_b[draws.integers(0, 30, 30)], 0.9)
        - np.quantile(by_person_a[draws.integers(0, 30, 30)], 0.9)
        for _ in range(4000)
    ]
    assert mine.se == pytest.approx(np.std(loop), rel=0.08)
    assert mine.ci_low == pytest.approx(np.quantile(loop, 0.0228), abs=0.15 * np.std(loop))


def test_the_interval_of_a_mean_is_the_t_interval_for_symmetric_values() -> None:
    values = np.linspace(-3, 3, 15) + 10
    mine = stats.cluster_mean(values, range(15))
    low, high = DescrStatsW(values).tconfint_mean()
    assert (mine.ci_low, mine.ci_high) == (close(low), close(high))


def test_the_interval_of_a_mean_undoes_skewness_as_hall_says() -> None:
    values = RNG.exponential(size=25)
    mine = stats.cluster_mean(values, range(25))
    skewness = scipy.stats.skew(values, bias=False) / np.sqrt(25)
    for end, sign in ((mine.ci_low, 1), (mine.ci_high, -1)):
        t = (values.mean() - end) / scipy.stats.sem(values)
        transformed = t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6
        assert transformed == pytest.approx(sign * scipy.stats.t.ppf(0.975, 24))
    assert mine.ci_high - mine.value > mine.value - mine.ci_low


def test_the_interval_of_a_crowded_mean_covers() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.choice(np.arange(1.0, 6), (1500, 20), p=[0.02, 0.03, 0.05, 0.1, 0.8])
    intervals = [stats.bounded_mean(x, low=1, high=5) for x in drawn]
    assert np.mean([i.ci_low <= 4.63 <= i.ci_high for i in intervals]) > 0.94


def test_many_participants_are_resampled_in_groups_with_the_same_spread() -> None:
    people = np.repeat(np.arange(9000), 3)
    mood = np.repeat(RNG.normal(size=9000), 3)
    a, b = (np.exp(5 + mood + 0.5 * RNG.normal(size=27_000)) for _ in range(2))
    mine = stats.compare_latency(a, b, 0.5, clusters_a=people, clusters_b=people, seed=3)
    below = (a.reshape(9000, 3) < np.median(a)).mean(axis=1)
    spread = below.std() / np.sqrt(9000) * np.sqrt(2)
    density = scipy.stats.norm.pdf(0) / np.hypot(1, 0.5) / np.median(a)
    assert (mine.n_a, mine.se) == (9000, pytest.approx(spread / density, rel=0.1))
