"""The statistics under the suggestions, against other sources and their own definitions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recux.stats import Difference, compare_means, holm
from recux.suggest import family
from recux.suggest.contrasts import against_zero, moderated, moments, welch, within_person
from recux.suggest.draft import shrunken
from recux.suggest.drafting import draft
from recux.suggest.findings import find
from recux.suggest.findings.segments import segments
from recux.suggest.frames import ArmInfo, Evidence, frame, in_confirmation_half
from recux.suggest.texts import Texts, phrases
from recux.suggest.verdicts import Promise, change_against, verdict_of


def test_many_comparisons_at_once_equal_one_comparison_each() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(3, 1, 60), rng.integers(0, 2, 60)
    both = moments(values, groups, 2)
    found = welch(*(type(both)(both.n[[i]], both.total[[i]], both.squares[[i]]) for i in (0, 1)))
    one = compare_means(values[groups == 0], values[groups == 1])
    assert found.difference[0] == pytest.approx(one.difference)
    assert found.difference[0] - found.half_width()[0] == pytest.approx(one.ci_low)
    assert 2 * found.p_in_direction(np.sign(found.t))[0] == pytest.approx(one.p)


def halves_of_groups(scale: np.ndarray, each: int = 12) -> tuple:
    """Moments (2, groups) of values with these standard deviations, and the groups' own variances."""
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, (2, len(scale), each)) * scale[None, :, None]
    number = np.arange(2 * len(scale)).repeat(each)
    flat = moments(values.ravel(), number, 2 * len(scale))
    return type(flat)(*(part.reshape(2, -1) for part in (flat.n, flat.total, flat.squares))), values.var(axis=2, ddof=1)


def test_variances_that_differ_by_chance_alone_become_nearly_one() -> None:
    groups, own = halves_of_groups(np.ones(200))
    drawn, df = moderated(groups)
    assert drawn.std() < own.std() / 5
    assert (df > 100).all()


def test_variances_that_really_differ_stay_as_they_are() -> None:
    groups, own = halves_of_groups(np.geomspace(1, 20, 200))
    drawn, df = moderated(groups)
    large = own > np.median(own)
    np.testing.assert_allclose(drawn[large], own[large], rtol=0.2)
    assert (df < 14).all()  # 11 of its own and little from others


def test_few_groups_know_nothing_of_each_others_variance() -> None:
    groups, own = halves_of_groups(np.ones(5))
    np.testing.assert_allclose(moderated(groups)[0], own)


def test_a_contrast_against_zero_is_the_one_sample_t_test() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 25)
    found = against_zero(moments(values, np.zeros(25, dtype=np.int64), 1))
    assert 2 * found.p_in_direction(np.sign(found.t))[0] == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_a_contrast_within_people_takes_out_who_is_generous() -> None:
    person, part = np.array([0, 0, 0, 1, 1, 1, 2]), np.array([0, 1, 1, 0, 1, 1, 0])
    found = within_person(person, part, np.array([2.0, 4, 5, 1, 3, 4, 5]), 3, 2)
    np.testing.assert_allclose(found[:2, 0], [-2.5, -2.5])
    assert np.isnan(found[2]).all()  # the third person has nothing to compare with


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=30))
def test_with_equal_shares_the_family_is_holms(p: list[float]) -> None:
    found = family.step_down(np.array(p), np.full(len(p), 1 / len(p)))
    np.testing.assert_allclose(found, holm(p), rtol=1e-9)


@given(st.lists(st.tuples(st.floats(1e-9, 1), st.floats(0.01, 1)), min_size=1, max_size=30), st.randoms())
def test_the_order_of_hypotheses_is_no_matter(pairs: list[tuple[float, float]], random) -> None:
    shuffled = pairs[:]
    random.shuffle(shuffled)
    first, second = (
        dict(zip(one, family.step_down(*np.array(one, dtype=float).T), strict=True)) for one in (pairs, shuffled)
    )
    assert first == pytest.approx(second)


def test_what_has_nothing_to_test_leaves_its_budget_to_the_others() -> None:
    alone = next(f for f in find(evidence()) if f.p is not None)
    (found,) = family.adjusted([replace(alone, p=0.03, share=0.1)])
    assert found.p_adjusted == pytest.approx(0.03)


def test_the_shares_of_the_budget_add_up_to_one() -> None:
    kinds = (family.ARMS, family.ARM_SEGMENTS, family.SEGMENTS, family.SERVICE, family.COMMENTS, family.OTHERS)
    assert sum(kinds) == pytest.approx(1)
    strength = np.random.default_rng(0).normal(size=100)
    shares = family.shares_by_strength(strength, 0.3)
    assert sum(part for _, part in shares) <= 0.3
    assert shares[0][0] == strength.argmax()


def test_shrinking_moves_towards_zero_and_more_so_with_more_noise() -> None:
    assert shrunken(1.0, 0.9, 1.1) == pytest.approx(1.0, abs=0.01)
    assert 0.7 < shrunken(1.0, 0.1, 1.9) < 0.8
    assert shrunken(0.3, -0.6, 1.2) == 0.0
    assert shrunken(-1.0, -1.9, -0.1) == -shrunken(1.0, 0.1, 1.9)


def test_the_halves_are_fixed_and_of_like_size() -> None:
    names = [f"p{n}" for n in range(2000)]
    half = in_confirmation_half("salt", names)
    assert (half == in_confirmation_half("salt", names)).all()
    assert 900 < half.sum() < 1100
    assert 900 < (half == in_confirmation_half("another salt", names)).sum() < 1100


PROMISE = Promise("mean_rating", {}, predicted=0.4, delta=0.1, arm="b", control="a")


def seen(value: float, low: float, high: float) -> Difference:
    return Difference(value, low, high, 0.01, 50, 50, "test")


@pytest.mark.parametrize(
    ("actual", "controlled", "verdict"),
    [
        (seen(0.3, 0.05, 0.55), True, "confirmed"),
        (seen(0.3, 0.05, 0.55), False, "moved_uncontrolled"),
        (seen(0.09, 0.01, 0.17), True, "inconclusive"),  # on the right side, but not worth having
        (seen(0.3, -0.05, 0.65), True, "inconclusive"),
        (seen(0.0, -0.09, 0.09), True, "refuted"),
        (seen(-0.3, -0.5, -0.1), True, "refuted"),
        (Difference(None, None, None, None, 1, 1, "test", None, "too few"), True, "inconclusive"),
    ],
)
def test_verdicts_follow_their_definitions(actual: Difference, controlled: bool, verdict: str) -> None:
    assert verdict_of(actual, PROMISE, controlled=controlled).verdict == verdict


def test_a_predicted_fall_is_judged_in_its_own_direction() -> None:
    falls = replace(PROMISE, predicted=-0.4)
    assert verdict_of(seen(-0.3, -0.55, -0.05), falls, controlled=True).verdict == "confirmed"
    assert verdict_of(seen(0.3, 0.05, 0.55), falls, controlled=True).verdict == "refuted"


def test_what_rose_everywhere_is_not_a_change() -> None:
    rng = np.random.default_rng(2)
    low, later = rng.normal(3, 0.5, 80), rng.normal(3.4, 0.5, 80)
    alike = rng.normal(3, 0.5, 80), rng.normal(3.4, 0.5, 80)
    assert change_against(low, later, None).ci_low > 0
    assert change_against(low, later, alike).ci_low < 0 < change_against(low, later, alike).ci_high


def test_phrases_name_causes_in_both_languages() -> None:
    found = set(phrases(["Not good: the delivery was very late!"]).names)
    assert {"delivery", "late"} <= found
    assert not found & {"not good", "good", "the delivery", "very"}
    assert "配送" in phrases(["配送太慢了"]).names
    assert "喜欢" not in phrases(["我很喜欢"]).names


def test_a_mention_is_a_whole_word_in_english_and_any_place_in_chinese() -> None:
    said = Texts(["the late delivery", "later deliveries", "配送太慢", "慢"]).mentioning(["late", "配送"])
    assert said.tolist() == [True, False, True, False]


def evidence(people: int = 40, each: int = 6, *, arms: int = 2, cohorts: int = 2, **columns) -> Evidence:
    """A small pilot of noise; `columns` replaces columns of the ratings."""
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(people), each)
    who = frame(
        id=np.arange(people),
        arm=np.arange(people) % arms,
        confirm=rng.random(people) < 0.5,
        first=1,
        cohort=pd.Series([f"c{n % cohorts}" for n in range(people)], dtype=object),
        language=pd.Series(["en"] * people, dtype=object),
        device=pd.Series([None] * people, dtype=object),
        experience=pd.Series([None] * people, dtype=object),
    )
    items = frame(
        id=np.arange(8), title=[f"t{n}" for n in range(8)], description="d", category=["x", "y"] * 4, tags=0,
        price=1.0, image_url="u",
    )  # fmt: skip
    ratings = frame(
        id=np.arange(people * each), person=person, item=rng.integers(0, 8, people * each), arm=person % arms,
        slate=person, position=np.tile(np.arange(1.0, each + 1), people),
        rating=rng.integers(1, 6, people * each).astype(float),
        comment=pd.Series(["a comment about something"] * people * each, dtype=object), round=1, at=np.nan,
    )  # fmt: skip
    infos = tuple(ArmInfo(key) for key in "abcd"[:arms])
    return Evidence(infos, who, ratings.assign(**columns), items=items)


@pytest.mark.parametrize(
    "odd",
    [
        evidence(arms=1),
        evidence(cohorts=1),
        evidence(rating=4.0),
        evidence(comment=None),
        evidence(comment="ราคาแพงเกินไป ძალიან ძვირია"),
        evidence(comment="\U0001f600 !!! \x00"),
        evidence(position=np.nan, slate=-1),
        evidence(item=-1),
        evidence(people=3),
        evidence(people=40, each=1),
        replace(evidence(), ratings=evidence().ratings.iloc[:0]),
        replace(evidence(), people=evidence().people.assign(arm=-1, cohort=None)),
    ],
    ids=[
        "one arm", "one cohort", "all ratings equal", "no comments", "an unknown language", "no letters", "no lists",
        "unknown items", "three people", "one rating each", "no ratings", "people without arm and cohort",
    ],
)  # fmt: skip
def test_an_odd_pilot_gives_suggestions_or_none_but_no_failure(odd: Evidence) -> None:
    for one in draft(odd):
        assert np.isfinite([one.predicted.value, one.predicted.low, one.predicted.high]).all()
        assert set(one.title) == set(one.change) == {"en", "zh_CN"}


def test_segments_of_few_people_are_not_even_tried() -> None:
    e = evidence(people=20, cohorts=10)
    assert all("cohort" not in finding.where for finding in segments(e))


def test_every_test_of_a_round_gets_the_number_of_all_that_were_tried() -> None:
    tests = [f for f in find(evidence()) if f.p is not None]
    assert len({f.tried for f in tests}) == 1
    assert tests[0].tried >= len(tests)


def test_suggestions_do_not_depend_on_the_order_of_rows() -> None:
    e = evidence(people=80)
    shift = np.where((e.person % 2 == 0) & (e.item % 2 == 0), -2.0, 0.0)  # category x
    low = replace(e, ratings=e.ratings.assign(rating=np.clip(e.rating + 1 + shift, 1, 5)))
    shuffled = replace(low, ratings=low.ratings.sample(frac=1, random_state=1).reset_index(drop=True))
    first, second = ([(d.rule, dict(d.finding.where)) for d in draft(one)] for one in (low, shuffled))
    assert first == second
    assert first
