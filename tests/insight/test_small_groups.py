"""Figures and rows of groups that are too small stay hidden."""

import pandas as pd

from recux.evaluation.experiment import Comparison
from recux.evaluation.figure import FigureValue
from recux.insight.small_groups import hide_comparison, hide_small, rows_of_enough

TABLE = pd.DataFrame(
    {
        "arm": ["", "a", "b", "c"],
        "value": [1.0, 2.0, 3.0, None],
        "ci_low": [0.5, 1.5, 2.5, None],
        "ci_high": [1.5, 2.5, 3.5, None],
        "n": pd.array([3, 4, 5, 0], dtype="Int64"),
        "reason": [None, None, None, "nobody rated anything"],
    }
)


def test_a_group_of_four_is_hidden_and_one_of_five_is_not() -> None:
    shown = hide_small(TABLE, 5, where=TABLE["arm"] != "")
    assert shown["value"].notna().tolist() == [True, False, True, False]
    assert shown["n"].isna().tolist() == [False, True, False, False]
    assert "fewer than 5 people" in shown.loc[1, "reason"]
    assert shown.loc[3, "reason"] == "nobody rated anything"
    assert TABLE["value"].notna().sum() == 3, "the given table is left as it was"


def test_without_a_choice_every_row_is_a_group() -> None:
    assert hide_small(TABLE, 5)["value"].notna().tolist() == [False, False, True, False]


def test_rows_are_counted_by_people_and_not_by_rows() -> None:
    rows = pd.DataFrame({"participant": [1, 1, 1, 2, 2, 3]})
    assert len(rows_of_enough(rows, 3)) == 6
    assert rows_of_enough(rows, 4).empty


def test_a_comparison_with_an_arm_of_three_people_says_nothing() -> None:
    one = Comparison("nps", True, "b", "a", FigureValue(9.0, 1.0, 17.0, 43), 0.01, 0.01, 5.0, "better", "p = .01")
    assert hide_comparison(one, {"a": 40, "b": 5}, 5) is one
    hidden = hide_comparison(one, {"a": 40, "b": 3}, 5)
    assert hidden.difference.value is hidden.difference.n is hidden.p_adjusted is None
    assert hidden.verdict == "cannot_tell"
    assert "fewer than 5" in hidden.because
