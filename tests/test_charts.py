import pandas as pd
import pytest

from recux import charts

ARMS = ["Old way", "New way"]
ROWS = pd.DataFrame(
    {
        "arm": ARMS,
        "value": [1.0, 2.0],
        "ci_low": [0.5, 1.5],
        "ci_high": [1.5, 2.5],
        "n": [10, 12],
        "label": ["Old way|1", "New way|2"],
        "when": [1, 1],
        "at": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True),
        "answer": [1, 2],
        "share": [0.5, 0.5],
        "measure": ["AUC", "AUC"],
        "model": ["a", "b"],
        "step": ["one", "two"],
        "people": [2, 1],
    }
)
ALL = {
    "dots": lambda rows: charts.dots(rows, ARMS, title="t", promised=1.0),
    "trend": lambda rows: charts.trend(rows, ARMS, title="t", x_title="Round"),
    "trend in time": lambda rows: charts.trend(rows.assign(when=rows["at"]), ARMS, title="t", x_title="Day"),
    "differences": lambda rows: charts.differences(rows, ARMS, title="t", margin=0.2),
    "funnel": lambda rows: charts.funnel(rows, title="t"),
    "shares": lambda rows: charts.shares(rows, ARMS, title="t", x_title="x", points=[1, 2, 3]),
    "quantiles": lambda rows: charts.quantiles(rows, ARMS, title="t", objective=1.0),
    "models": lambda rows: charts.models(rows, names=["a", "b"], title="t"),
}


def scales(spec, found):
    """Every colour scale of arms in a specification."""
    if isinstance(spec, dict):
        colour = spec.get("color")
        if isinstance(colour, dict) and colour.get("field") == "arm":
            found.append((colour["scale"]["domain"], colour["scale"]["range"]))
        for value in spec.values():
            scales(value, found)
    elif isinstance(spec, list):
        for value in spec:
            scales(value, found)
    return found


@pytest.mark.parametrize("name", ALL)
def test_every_chart_is_valid_vega_lite(name):
    assert ALL[name](ROWS).to_dict(validate=True)["$schema"].endswith(".json")


def test_an_arm_has_the_same_colour_in_every_chart_whatever_rows_there_are():
    found = [
        scale for draw in ALL.values() for rows in (ROWS, ROWS.iloc[::-1]) for scale in scales(draw(rows).to_dict(), [])
    ]
    assert len(found) > 10
    assert all(scale == (ARMS, list(charts.PALETTE[:2])) for scale in found)


def test_every_interval_chart_draws_the_interval():
    for name in ("dots", "trend", "differences", "models"):
        text = ALL[name](ROWS).to_json()
        assert "ci_low" in text, name
        assert "ci_high" in text, name
