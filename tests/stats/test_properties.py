"""What must hold for any data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recux import stats
from recux.stats.trinomial import score

arms = st.lists(st.integers(0, 10), min_size=2, max_size=40)
rows = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 7)), min_size=4, max_size=60)
COMPARISONS = [stats.compare_nps, stats.compare_means]


def same(x: float | None, y: float | None, tolerance: float = 1e-6) -> bool:
    return (x is None and y is None) or (x is not None and y is not None and abs(x - y) <= tolerance * (1 + abs(x)))


@given(arms, st.randoms())
def test_the_order_of_answers_does_not_matter(scores: list[int], random: object) -> None:
    shuffled = list(scores)
    random.shuffle(shuffled)
    assert stats.nps(scores) == stats.nps(shuffled)
    assert stats.ces([1 + s % 7 for s in scores]).ci_low == pytest.approx(
        stats.ces([1 + s % 7 for s in shuffled]).ci_low
    )


@given(arms)
def test_nps_lies_in_its_interval_and_on_its_scale(scores: list[int]) -> None:
    result = stats.nps(scores)
    assert -100 <= result.ci_low <= result.value <= result.ci_high <= 100
    assert result.promoters + result.passives + result.detractors == result.n == len(scores)


@given(arms, arms)
def test_swapping_the_arms_flips_the_sign(a: list[int], b: list[int]) -> None:
    for compare in COMPARISONS:
        forth, back = compare(a, b), compare(b, a)
        assert same(forth.p, back.p)
        if forth.difference is not None:
            assert same(forth.difference, -back.difference)
            assert same(forth.ci_low, -back.ci_high)


@given(arms, arms)
def test_superiority_of_swapped_arms_adds_up_to_one(a: list[int], b: list[int]) -> None:
    forth, back = stats.compare_ordinal(a, b), stats.compare_ordinal(b, a)
    if forth.superiority is not None:
        assert forth.superiority + back.superiority == pytest.approx(1)
        assert forth.ci_low + back.ci_high == pytest.approx(1)
        assert 0 <= forth.ci_low <= forth.superiority <= forth.ci_high <= 1


@given(arms, arms, st.floats(0.1, 50), st.floats(-100, 100))
def test_means_follow_a_change_of_scale(a: list[int], b: list[int], factor: float, shift: float) -> None:
    raw = stats.compare_means(a, b)
    moved = stats.compare_means(np.array(a) * factor + shift, np.array(b) * factor + shift)
    if raw.difference is not None and moved.difference is not None:
        assert moved.ci_low == pytest.approx(raw.ci_low * factor, rel=1e-6, abs=1e-6)
        assert moved.p == pytest.approx(raw.p, rel=1e-5, abs=1e-9)


@given(arms, arms)
def test_order_on_a_scale_is_all_that_superiority_sees(a: list[int], b: list[int]) -> None:
    assert stats.compare_ordinal(a, b) == stats.compare_ordinal(np.exp(a), np.exp(b))


@given(arms, arms)
def test_interval_and_p_agree_about_zero(a: list[int], b: list[int]) -> None:
    for compare in COMPARISONS:
        result = compare(a, b)
        if result.p is not None and abs(result.p - 0.05) > 1e-9:
            assert (result.p < 0.05) == (result.ci_low > 0 or result.ci_high < 0)


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_shares_differ_only_where_the_exact_test_says_so(ka: int, na: int, kb: int, nb: int) -> None:
    result = stats.compare_proportions(min(ka, na), na, min(kb, nb), nb)
    assert -1 <= result.ci_low <= result.difference <= result.ci_high <= 1
    if result.p >= 0.05:
        assert result.ci_low <= 0 <= result.ci_high


@given(rows)
def test_repeating_every_rating_of_a_person_adds_no_evidence(ratings: list[tuple[int, int]]) -> None:
    values, people = [float(v) for v, _ in ratings], [p for _, p in ratings]
    once, twice = stats.cluster_mean(values, people), stats.cluster_mean(values * 2, people * 2)
    assert once.n == twice.n == len(set(people))
    assert same(once.ci_low, twice.ci_low)
    once, twice = (stats.cluster_ratio(values * k, [6.0] * len(values) * k, people * k) for k in (1, 2))
    assert once.value is None or twice.ci_high - twice.ci_low <= once.ci_high - once.ci_low + 1e-9


@given(rows)
def test_duplicated_participants_narrow_the_interval(ratings: list[tuple[int, int]]) -> None:
    values, people = [float(v) for v, _ in ratings], [p for _, p in ratings]
    once, doubled = (
        stats.cluster_mean(values, people),
        stats.cluster_mean(values * 2, people + [p + 100 for p in people]),
    )
    if once.value is not None:
        assert doubled.value == pytest.approx(once.value)
        assert doubled.ci_high - doubled.ci_low < once.ci_high - once.ci_low


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.randoms())
def test_a_latency_comparison_depends_on_neither_row_order_nor_labels(seed: int, random: object) -> None:
    rng = np.random.default_rng(seed)
    a, b, people = rng.exponential(100, 90), rng.exponential(120, 90), np.repeat(np.arange(9), 10)
    order, names = list(range(90)), [f"p{n}" for n in range(9)]
    random.shuffle(order)
    random.shuffle(names)
    kept = stats.compare_latency(a, b, 0.9, clusters_a=people, clusters_b=people, seed=seed)
    moved = stats.compare_latency(
        a[order], b, 0.9, clusters_a=[names[p] for p in people[order]], clusters_b=8 - people, seed=seed
    )
    assert kept == moved
    back = stats.compare_latency(b, a, 0.9, clusters_a=people, clusters_b=people, seed=seed)
    assert (back.ci_low, back.ci_high) == pytest.approx((-kept.ci_high, -kept.ci_low))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_values_keep_their_order_and_only_grow(p: list[float]) -> None:
    for adjust in (stats.holm, stats.benjamini_hochberg):
        adjusted = adjust(p)
        assert all(a >= q and a <= 1 for a, q in zip(adjusted, p, strict=True))
        assert np.all(np.diff(np.array(adjusted)[np.argsort(p, kind="stable")]) >= 0)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.5, 20), st.floats(-50, 50))
def test_reliability_does_not_depend_on_the_unit(seed: int, factor: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(30, 1)) + rng.normal(size=(30, 4))
    assert stats.cronbach_alpha(table * factor + shift).value == pytest.approx(stats.cronbach_alpha(table).value)
    omega, moved = stats.mcdonald_omega(table), stats.mcdonald_omega(table * factor + shift)
    assert (omega.value is None) == (moved.value is None)
    if omega.value is not None:
        assert moved.value == pytest.approx(omega.value, rel=1e-5)
        assert 0 <= omega.value <= 1


@given(st.integers(2, 500), st.floats(0.1, 100), st.floats(0, 1), st.integers(1, 30))
def test_more_people_detect_smaller_effects(n: int, sd: float, icc: float, k: int) -> None:
    effect = stats.minimum_detectable_effect(n, sd=sd, icc=icc, k=k).value
    assert stats.minimum_detectable_effect(n + 1, sd=sd, icc=icc, k=k).value < effect
    assert stats.required_n(effect, sd=sd, icc=icc, k=k).n_per_arm == n


def test_a_lopsided_and_unequal_nps_comparison_holds_its_level() -> None:
    shape, rng = (0.9, 0.07, 0.03), np.random.default_rng(4)
    arms = [rng.multinomial(n, shape, size=1500).tolist() for n in (20, 60)]
    beyond = [abs(score(tuple(a), tuple(b), 0.0)) > 1.96 for a, b in zip(*arms, strict=True)]
    assert 0.02 < np.mean(beyond) < 0.06  # Welch: .11


@pytest.mark.parametrize("arms", [([3, 3], [2, *[3] * 30, 4]), ([3, 3, 3], [1, 2, 4, 5]), ([1, 4], [2, 3])])
def test_arms_that_are_level_are_level_from_either_side(arms: tuple[list[float], list[float]]) -> None:
    there, back = stats.compare_ordinal(*arms), stats.compare_ordinal(*reversed(arms))
    assert there.superiority == pytest.approx(0.5)
    assert (back.ci_low, back.ci_high) == pytest.approx((1 - there.ci_high, 1 - there.ci_low))
    assert there.ci_low + there.ci_high == pytest.approx(1)
