import json
from dataclasses import fields
from math import inf, nan

import pytest

from recux.evaluation.figure import FigureValue, figure, missing
from recux.stats import Estimate, proportion


def test_a_figure_has_exactly_the_fields_of_the_contract():
    found = figure(proportion(3, 4), "Share of people").to_json()
    assert set(found) == {"value", "ci_low", "ci_high", "n", "definition", "method"}
    assert (found["value"], found["n"], found["definition"]) == (0.75, 4, "Share of people")


def test_a_figure_without_a_value_says_why():
    found = missing("nobody answered", "NPS", n=0).to_json()
    assert found["value"] is None
    assert found["reason"] == "nobody answered"


@pytest.mark.parametrize("bad", [nan, inf, -inf])
@pytest.mark.parametrize("place", ["value", "ci_low", "ci_high"])
def test_what_is_not_a_number_never_reaches_json(bad, place):
    ends = {"value": 1.0, "ci_low": 0.0, "ci_high": 2.0} | {place: bad}
    found = figure(Estimate(**ends, n=3, method="m"), "d")
    assert found.value is None
    assert found.reason
    json.dumps(found.to_json(), allow_nan=False)


def test_a_figure_cannot_be_changed():
    with pytest.raises(AttributeError):
        setattr(missing("why"), fields(FigureValue)[0].name, 1.0)
