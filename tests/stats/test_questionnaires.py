"""Factor models, item-rest correlations, reversed questions and key drivers."""

import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy.stats import norm, skew

from recux import stats
from recux.stats.confirm import fit_correlation
from recux.stats.drivers import shapley_r_squared

# Holzinger and Swineford (1939), nine tests of 301 pupils: lower triangle of their correlations
HOLZINGER = [
    [0.297346],
    [0.440668, 0.339849],
    [0.372706, 0.152930, 0.158640],
    [0.293444, 0.139387, 0.077198, 0.733170],
    [0.356770, 0.192532, 0.197661, 0.704480, 0.719956],
    [0.066864, -0.075669, 0.071931, 0.173829, 0.102045, 0.121102],
    [0.223927, 0.092279, 0.186013, 0.106898, 0.138670, 0.149611, 0.486758],
    [0.390340, 0.206041, 0.328651, 0.207848, 0.227466, 0.214162, 0.340646, 0.449015],
]
THREE = {"visual": [0, 1, 2], "textual": [3, 4, 5], "speed": [6, 7, 8]}
RNG = np.random.default_rng(3)


def holzinger() -> np.ndarray:
    matrix = np.eye(9)
    for i, row in enumerate(HOLZINGER, start=1):
        matrix[i, : len(row)] = matrix[: len(row), i] = row
    return matrix


def people(correlation: np.ndarray, n: int) -> np.ndarray:
    """Answers whose correlations are exactly these."""
    raw = RNG.normal(size=(n, len(correlation)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / n)).T
    return white @ np.linalg.cholesky(correlation).T


def test_factor_model_reproduces_the_published_fit() -> None:
    model = fit_correlation(holzinger(), 301, THREE)
    assert model.df == 24
    assert model.chi_square == pytest.approx(85.306, abs=2e-3)
    indices = (model.cfi, model.tli, model.rmsea, model.rmsea_low, model.rmsea_high, model.srmr)
    assert indices == pytest.approx((0.931, 0.896, 0.092, 0.071, 0.114, 0.065), abs=6e-4)
    assert model.loadings == pytest.approx((0.772, 0.424, 0.581, 0.852, 0.855, 0.838, 0.570, 0.723, 0.665), abs=6e-4)
    assert [r for *_, r in model.correlations] == pytest.approx((0.459, 0.471, 0.283), abs=6e-4)


def test_factor_model_does_not_depend_on_units_or_column_order() -> None:
    answers = people(holzinger(), 301)
    scaled = answers[:, ::-1] * np.arange(1, 10) + 5
    moved = {name: [8 - c for c in columns] for name, columns in THREE.items()}
    direct = stats.confirm_factors(answers, THREE)
    assert stats.confirm_factors(scaled, moved).chi_square == pytest.approx(direct.chi_square, rel=1e-5)
    assert direct.chi_square == pytest.approx(85.306, abs=2e-3)


def test_a_wrong_grouping_fits_worse() -> None:
    wrong = {"x": [0, 3, 6], "y": [1, 4, 7], "z": [2, 5, 8]}
    answers = people(holzinger(), 301)
    model = stats.confirm_factors(answers, wrong)
    assert model.reason is not None or model.cfi < 0.8


def test_factor_model_says_when_it_is_not_estimable() -> None:
    answers = people(holzinger(), 301)
    assert "too few" in stats.confirm_factors(answers[:30], THREE).reason
    constant = answers.copy()
    constant[:, 0] = 3
    assert "vary" in stats.confirm_factors(constant, THREE).reason
    doubled = answers.copy()
    doubled[:, 1] = 2 * doubled[:, 0]
    assert "combinations" in stats.confirm_factors(doubled, THREE).reason


@pytest.mark.parametrize("constructs", [{}, {"x": [0, 1]}, {"x": [0, 1, 2], "y": [2, 3]}, {"x": [0, 1, 99]}])
def test_a_factor_model_without_a_meaning_is_refused(constructs: dict[str, list[int]]) -> None:
    with pytest.raises(stats.StatisticsError):
        stats.confirm_factors(people(holzinger(), 60), constructs)


def test_item_rest_correlation_is_with_the_sum_of_the_others() -> None:
    answers = people(holzinger(), 80)[:, 3:6]
    found = stats.item_rest_correlations(answers)
    expected = np.corrcoef(answers[:, 0], answers[:, 1] + answers[:, 2])[0, 1]
    assert found[0].value == pytest.approx(expected)
    assert found[0].ci_low < expected < found[0].ci_high


def test_an_unreversed_question_shows_and_reversing_repairs_it() -> None:
    answers = np.clip(np.round(people(holzinger(), 200)[:, 3:6] + 3), 1, 5)
    answers[:, 1] = 6 - answers[:, 1]
    assert stats.item_rest_correlations(answers)[1].value < 0
    repaired = stats.reverse_keyed(answers, [1], low=1, high=5)
    assert stats.item_rest_correlations(repaired)[1].value > 0.5
    assert stats.cronbach_alpha(repaired).value > stats.cronbach_alpha(answers).value


def test_key_drivers_of_independent_causes_are_their_squared_correlations() -> None:
    x = people(np.eye(3), 400)
    y = 0.8 * x[:, 0] + 0.4 * x[:, 1] + people(np.eye(1), 400)[:, 0]
    found = stats.key_drivers(y, x, ["easy", "novel", "fast"], seed=1)
    squared = np.array([np.corrcoef(y, column)[0, 1] ** 2 for column in x.T])
    assert [d.name for d in found.drivers] == ["easy", "novel", "fast"]
    assert [d.share for d in found.drivers] == pytest.approx(squared / squared.sum(), abs=1e-6)
    assert sum(d.share for d in found.drivers) == pytest.approx(1)
    assert (found.drivers[0].rank_low, found.drivers[0].rank_high) == (1, 1)


def test_shapley_shares_average_the_gain_over_all_orders() -> None:
    matrix = holzinger()[None, :3, :3]

    def r_squared(chosen: list[int]) -> float:
        part = matrix[0][0, chosen]
        return float(part @ np.linalg.solve(matrix[0][np.ix_(chosen, chosen)], part))

    first = (r_squared([1]) + r_squared([1, 2]) - r_squared([2])) / 2
    assert shapley_r_squared(matrix)[0, 0] == pytest.approx(first)
    assert shapley_r_squared(matrix).sum() == pytest.approx(r_squared([1, 2]))


def test_drivers_that_share_everything_share_the_credit_and_cannot_be_ranked() -> None:
    common = RNG.normal(size=150)
    x = np.column_stack([common + RNG.normal(0, 0.3, 150), common + RNG.normal(0, 0.3, 150)])
    found = stats.key_drivers(common + RNG.normal(size=150), x, ["a", "b"], seed=1)
    assert all((d.rank_low, d.rank_high) == (1, 2) for d in found.drivers)


def test_key_drivers_leave_out_people_with_missing_answers_and_say_when_too_few_remain() -> None:
    x = pd.DataFrame(RNG.normal(size=(40, 2)))
    y = x[0] + RNG.normal(size=40)
    x.iloc[:5, 0] = None
    assert stats.key_drivers(y, x, ["a", "b"], seed=1).n == 35
    assert "too few" in stats.key_drivers(y[:8], x[:8], ["a", "b"], seed=1).reason
    assert "vary" in stats.key_drivers([3.0] * 40, x, ["a", "b"], seed=1).reason
    with pytest.raises(stats.StatisticsError):
        stats.key_drivers(y, x, ["a"], seed=1)


def lopsided(rng: np.random.Generator, pilots: int, people: int) -> np.ndarray:
    """Four questions of one factor, 80 % of the answers at the top."""
    score = rng.normal(size=(pilots, people, 1)) * 0.7 + rng.normal(size=(pilots, people, 4)) * np.sqrt(0.51)
    return np.searchsorted(norm.ppf([0.02, 0.05, 0.1, 0.2]), score) + 1.0


def test_reliability_of_lopsided_answers_is_less_sure_by_the_skewness_of_scores() -> None:
    table = lopsided(np.random.default_rng(3), 1, 60)[0]
    value, (low, high) = pingouin.cronbach_alpha(pd.DataFrame(table))
    mine = stats.cronbach_alpha(table)
    wider = 1 + skew(table.mean(axis=1), bias=False) ** 2 / 4
    assert mine.value == pytest.approx(value)
    published = np.log((1 - np.array([low, high])) / (1 - value))
    found = np.log((1 - np.array([mine.ci_low, mine.ci_high])) / (1 - value))
    assert found == pytest.approx(wider * published, abs=0.02)  # pingouin rounds to three digits
    assert wider > 1.5
    assert "lopsided" in mine.method
    given = stats.cronbach_alpha(table, skewness=0.0)
    assert (given.ci_low, given.ci_high) == pytest.approx((low, high), abs=5e-4)


def test_omega_says_when_the_answers_give_no_interval() -> None:
    """Few people, nearly all at the top: the end of an interval overflowed, or the information had no root."""
    rng = np.random.default_rng(1)
    for people in (6, 10, 15):
        for table in np.where(rng.random((300, people, 4)) < 0.9, 5.0, rng.integers(1, 6, (300, people, 4))):
            found = stats.mcdonald_omega(table)
            if found.value is None:
                assert found.reason
            else:
                assert 0 <= found.ci_low <= found.value <= found.ci_high <= 1


def test_questions_that_everybody_answers_alike_have_no_alpha() -> None:
    found = stats.cronbach_alpha([[1, 1], [3, 3], [5, 5], [4, 4]])
    assert found.value is None
    assert "alike" in found.reason


def test_intervals_of_reliability_hold_the_truth_where_answers_crowd_at_the_top() -> None:
    rng = np.random.default_rng(4)
    large = lopsided(rng, 1, 200_000)[0]
    alpha, item = stats.cronbach_alpha(large).value, stats.item_rest_correlations(large)[0].value
    pilots = lopsided(rng, 300, 100)
    of_alpha = [stats.cronbach_alpha(table) for table in pilots]
    of_item = [stats.item_rest_correlations(table)[0] for table in pilots]
    assert np.mean([e.ci_low <= alpha <= e.ci_high for e in of_alpha]) > 0.9
    assert np.mean([e.ci_low <= item <= e.ci_high for e in of_item]) > 0.9


def test_answers_that_are_not_lopsided_keep_the_published_interval() -> None:
    table = np.random.default_rng(5).integers(1, 6, (40, 4)).astype(float) + np.arange(40)[:, None] % 5
    value, interval = pingouin.cronbach_alpha(pd.DataFrame(table))
    mine = stats.cronbach_alpha(table)
    assert (mine.value, mine.ci_low, mine.ci_high) == pytest.approx((value, *interval), abs=5e-4)


SKIPPED = {
    "None": [4, None, 5],
    "NaN": [4, float("nan"), 5],
    "a pandas column": pd.Series([4, None, 5]),
    "whole numbers with NA": pd.Series([4, None, 5], dtype="Int64"),
    "an array": np.array([4, np.nan, 5]),
}


@pytest.mark.parametrize("how", SKIPPED)
def test_an_answer_that_was_skipped_does_not_count_however_it_is_written(how: str) -> None:
    for figure in (stats.nps, stats.csat, stats.ces):
        assert figure(SKIPPED[how]) == figure([4, 5])
    assert stats.compare_nps(SKIPPED[how], [9, 8, 3]) == stats.compare_nps([4, 5], [9, 8, 3])


def test_one_answer_has_a_score_whose_interval_says_how_little_it_is() -> None:
    one = stats.nps([10])
    assert (one.value, one.n, one.ci_high) == (100, 1, 100)
    assert one.ci_low == pytest.approx(100 * (0.25 - norm.ppf(0.975) * 0.375))  # with 3/4, 3/2 and 3/4 more answers
    assert stats.nps([10], method="wald").reason == "one answer has no interval"
