"""Crossover, adjusted, clustered, monitored and permuted comparisons."""

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm

from recux import stats

RNG = np.random.default_rng(8)


def test_a_crossover_removes_the_effect_of_the_period() -> None:
    person = RNG.normal(size=40)
    a_first = np.arange(40) < 10
    a, b = person + 1.0 * ~a_first, person + 0.5 + 1.0 * a_first
    noise_a, noise_b = RNG.normal(0, 0.01, (2, 40))
    found = stats.compare_crossover(a + noise_a, b + noise_b, a_first)
    assert found.effect.difference == pytest.approx(0.5, abs=0.02)
    assert found.period.difference == pytest.approx(1.0, abs=0.02)


def test_a_crossover_equals_the_t_test_of_halved_differences_between_sequences() -> None:
    a, b, a_first = RNG.normal(size=30), RNG.normal(size=30), np.arange(30) % 3 == 0
    change = b - a
    theirs = scipy.stats.ttest_ind(change[a_first], -change[~a_first], equal_var=False)
    found = stats.compare_crossover(a, b, a_first)
    assert found.effect.p == pytest.approx(theirs.pvalue)
    assert found.effect.difference == pytest.approx((change[a_first].mean() + change[~a_first].mean()) / 2)


def test_a_crossover_needs_both_sequences() -> None:
    assert stats.compare_crossover([1, 2, 3], [2, 2, 4], [True] * 3).effect.reason
    with pytest.raises(stats.StatisticsError):
        stats.compare_crossover([1, 2, 3], [2, 2, 4], [True])


def test_the_adjusted_difference_is_that_of_an_analysis_of_covariance() -> None:
    x_a, x_b = RNG.normal(size=60), RNG.normal(0.2, 1, 60)
    a, b = 2 * x_a + RNG.normal(size=60), 2 * x_b + 0.3 + RNG.normal(size=60)
    mine = stats.compare_means_adjusted(a, b, x_a, x_b)
    arm = np.repeat([0.0, 1.0], 60)
    theirs = sm.OLS(np.concatenate([a, b]), sm.add_constant(np.column_stack([arm, np.concatenate([x_a, x_b])]))).fit()
    assert mine.difference == pytest.approx(theirs.params[1])
    assert mine.se == pytest.approx(theirs.bse[1], rel=0.02)
    assert mine.se < 0.6 * stats.compare_means(a, b).se


def test_a_constant_covariate_changes_nothing() -> None:
    a, b = RNG.normal(size=20), RNG.normal(size=20)
    assert stats.compare_means_adjusted(a, b, np.ones(20), np.ones(20)).p == stats.compare_means(a, b).p


def test_monitoring_is_refused_below_thirty_participants_an_arm() -> None:
    refused = stats.monitor(RNG.normal(size=29), RNG.normal(size=200), planned_n=100)
    assert refused.difference is None
    assert "30" in str(refused.reason)


def test_monitoring_is_wider_than_one_look_and_narrowest_near_the_planned_n() -> None:
    a, b = RNG.normal(size=100), RNG.normal(size=100)
    widths = {n: (r := stats.monitor(a, b, planned_n=n)).ci_high - r.ci_low for n in (30, 100, 1000)}
    single = stats.compare_means(a, b)
    assert widths[100] < widths[30]
    assert widths[100] < widths[1000]
    assert 1.2 < widths[100] / (single.ci_high - single.ci_low) < 1.8


def test_monitor_interval_and_p_agree() -> None:
    for shift in np.linspace(0, 1, 40):
        a, b = RNG.normal(size=60), RNG.normal(shift, 1, 60)
        found = stats.monitor(a, b, planned_n=80)
        assert (found.p < 0.05) == (found.ci_low > 0 or found.ci_high < 0)


def test_clustered_odds_recover_a_known_ratio() -> None:
    rng = np.random.default_rng(1)
    latent_a, latent_b = rng.logistic(size=6000), rng.logistic(np.log(2), 1, 6000)
    cut = [-1, 0, 1, 2]
    people = np.repeat(np.arange(600), 10)
    found = stats.compare_ordinal_clustered(
        np.digitize(latent_a, cut), np.digitize(latent_b, cut), clusters_a=people, clusters_b=people
    )
    assert found.odds_ratio == pytest.approx(2, rel=0.08)
    assert found.ci_low < 2 < found.ci_high


@pytest.mark.parametrize(
    ("a", "b", "people"),
    [([3, 3, 3] * 10, [3, 3, 3] * 10, 10), ([1, 2, 1] * 10, [4, 5, 5] * 10, 10), ([1, 2, 3] * 3, [1, 2, 2] * 3, 3)],
)
def test_clustered_odds_say_when_they_cannot_tell(a: list[int], b: list[int], people: int) -> None:
    clusters = np.repeat(np.arange(people), 3)
    found = stats.compare_ordinal_clustered(a, b, clusters_a=clusters, clusters_b=clusters)
    assert found.odds_ratio is None
    assert found.reason


def test_clustered_superiority_of_single_values_is_brunner_munzel() -> None:
    a, b = RNG.integers(1, 6, 25), RNG.integers(1, 6, 30)
    plain = stats.compare_ordinal(a, b)
    clustered = stats.compare_ordinal(a, b, clusters_a=range(25), clusters_b=range(30))
    assert (plain.superiority, plain.p) == pytest.approx((clustered.superiority, clustered.p))


def test_repeated_ratings_add_no_people_to_the_superiority() -> None:
    a, b, people = RNG.integers(1, 6, 20), RNG.integers(1, 6, 20), np.arange(20)
    once = stats.compare_ordinal(a, b)
    twice = stats.compare_ordinal(
        np.tile(a, 2), np.tile(b, 2), clusters_a=np.tile(people, 2), clusters_b=np.tile(people, 2)
    )
    assert twice.p == pytest.approx(once.p)


def test_complete_separation_is_judged_exactly() -> None:
    found = stats.compare_ordinal([1, 2, 1, 2, 1], [3, 4, 5, 4, 3, 5])
    assert found.superiority == 1
    assert found.p == pytest.approx(2 * 0.5**5)
    assert found.ci_low == pytest.approx(0.025**0.2)


def test_sign_flips_are_exact_for_few_pairs() -> None:
    a, b = RNG.normal(size=10), RNG.normal(0.7, 1, 10)
    theirs = scipy.stats.permutation_test((b - a,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert stats.compare_paired_permutation(a, b, seed=1).p == pytest.approx(theirs.pvalue)


def test_sign_flips_at_random_approach_the_t_test() -> None:
    a, b = RNG.normal(size=80), RNG.normal(0.25, 1, 80)
    assert stats.compare_paired_permutation(a, b, seed=1).p == pytest.approx(stats.compare_paired(a, b).p, abs=0.01)


def test_too_few_pairs_are_not_estimable() -> None:
    assert stats.compare_paired_permutation([1, 2, 3], [2, 4, 5], seed=1).reason


def test_simulated_power_matches_the_formula() -> None:
    power = stats.simulated_power(
        lambda rng, n: rng.normal(size=n),
        lambda rng, n: rng.normal(stats.minimum_detectable_effect(64, sd=1).value, 1, n),
        stats.compare_means,
        n_a=64,
        n_b=64,
        seed=4,
        runs=1500,
    )
    assert power.ci_low < 0.8 < power.ci_high + 0.01


def test_further_people_make_the_detectable_effect_as_small_as_asked() -> None:
    sd, effect = 1.2, 0.3
    seen = stats.further_n(sd * (1 / 20 + 1 / 60) ** 0.5, 20, 60, effect)
    reached = 1 / (20 + seen.n_per_arm) + 1 / (60 + seen.n_per_arm)
    one_fewer = 1 / (19 + seen.n_per_arm) + 1 / (59 + seen.n_per_arm)
    aim = (effect / (1.959964 + 0.841621) / sd) ** 2
    assert reached <= aim < one_fewer
    assert seen.low < seen.n_per_arm < seen.high


def test_equal_arms_need_what_the_plan_would_have_said() -> None:
    n = stats.required_n(0.3, sd=1.2).n_per_arm
    assert stats.further_n(1.2 * (2 / 50) ** 0.5, 50, 50, 0.3).n_per_arm == n - 50
    assert stats.further_n(1.2 * (2 / 900) ** 0.5, 900, 900, 0.3).n_per_arm == 0
