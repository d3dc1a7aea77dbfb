"""How a figure reads: value, interval and n together, and the words when there is none."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recux.ui import definitions, words
from recux.ui.language import _
from recux.ui.plain import plain

SHARES = {"csat", "ctr", "purchase_rate", "dismiss_rate", "known_rate", "failure_rate", "availability"}
COUNTED = {"theme_share", "any_failure", "slow_share", "comment_rate", "careless", "drop_off", "response_rate",
           "same_answer", "duplicate_share", "missing_share", "repeat_share", "assigned_share"}  # fmt: skip
"""Shares of people or rows that suggestions are about."""
TIMES = {"p50_ms", "p95_ms", "p99_ms", "typical_ms"}
WHOLE = {"nps", "people", *TIMES}


def number_format(metric: str) -> str:
    """How values of this metric are written, as a format of d3 and of Python alike."""
    if metric in {"csat", *COUNTED}:
        return ".0%"
    return ".1%" if metric in SHARES else ",.0f" if metric in WHOLE else ".2f"


def written(value: float | None, metric: str) -> str:
    """One value, with its unit."""
    return "-" if value is None or pd.isna(value) else _with_unit(format(float(value), number_format(metric)), metric)


def interval(row: Any, metric: str) -> str:
    """The 95 % interval and n, or why there is none."""
    if pd.isna(row["value"]):
        return definitions.said(row["reason"]) or _("not estimable")
    low, high = written(row["ci_low"], metric).removesuffix(" ms"), written(row["ci_high"], metric)
    return _("{low} to {high} · n = {n}").format(low=low, high=high, n=f"{int(row['n']):,}")


def tile(place: Any, row: Any) -> None:
    """A figure large, its interval and n beneath, its definition behind the question mark."""
    metric = str(row["metric"])
    sentences = (words.metric(metric), definitions.said(row["definition"]), definitions.said(row["method"]))
    help_text = plain(". ".join(part for part in sentences if part))
    _metric(place, words.short(metric), written(row["value"], metric), interval(row, metric), help_text)


def labelled(rows: pd.DataFrame, metric: str, titles: Mapping[str, str]) -> pd.DataFrame:
    """Rows of arms for ``charts.dots``: those with a value, the control first, arms by title, the figure in words."""
    known = rows[rows["value"].notna() & rows["arm"].isin(list(titles))]
    known = known.sort_values("arm", key=lambda arms: arms.map(list(titles).index))
    said = [
        f"{titles[row['arm']]}|{written(row['value'], metric)} (n = {int(row['n']):,})" for _i, row in known.iterrows()
    ]
    return known.assign(arm=known["arm"].map(titles), label=said)


def claim(place: Any, title: str, figure: Mapping[str, Any], metric: str) -> None:
    """A stored figure under a title, with its interval, and its definition behind the question mark."""
    row = {"reason": None, "n": 0, **figure}
    help_text = plain(definitions.said(figure.get("definition")))
    _metric(place, f"{title}: {words.short(metric)}", signed(row["value"], metric), interval(row, metric), help_text)


def signed(value: float | None, metric: str) -> str:
    """A difference, with its sign."""
    if value is None or pd.isna(value):
        return "-"
    return _with_unit(format(float(value), "+" + number_format(metric)), metric)


def between(row: Any, metric: str) -> str:
    """The interval of a difference."""
    if pd.isna(row.value):
        return "-"
    return _("{low} to {high}").format(low=signed(row.ci_low, metric), high=signed(row.ci_high, metric))


def _with_unit(number: str, metric: str) -> str:
    return f"{number} ms" if metric in TIMES else number


def _metric(place: Any, label: str, value: str, below: str, help_text: str) -> None:
    place.metric(label, value, below, delta_color="off", delta_arrow="off", help=help_text or None, border=True)
