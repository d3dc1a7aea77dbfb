"""One metric in every period, of everyone and of each group: people's values first, all at once, then their figures."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recux.evaluation import satisfaction
from recux.evaluation.figure import FigureValue, figure, missing
from recux.insight import combined
from recux.insight.tables import rows_of
from recux.instruments import Instruments
from recux.stats import bounded_mean, ces, csat, nps

Values = NDArray[np.float64]
SINGLE: dict[str, tuple[Callable[[Values], object], str]] = {
    "nps": (nps, satisfaction.NPS),
    "csat": (csat, satisfaction.CSAT),
    "ces": (ces, satisfaction.CES),
}
"""Questionnaires of one question: how its answers become a figure, and what that is."""


class Curve(NamedTuple):
    """What is drawn."""

    metric: str
    by: str
    """Column of the groups."""
    instruments: Instruments

    def of(self, rows: pd.DataFrame) -> Iterator[dict[str, object]]:
        """A row of a table of figures for each ``period`` (a column of ``rows``) and group; empty: everyone.

        ``rows`` are ratings for the mean rating, else answers.
        """
        rows = rows.dropna(subset="period")
        for group in ("", self.by):
            keys = ["period", group] if group else ["period"]
            for found, key in self._figures(rows, keys):
                name = key[1] if group else ""
                if not group or name or self.by == "arm":
                    yield from rows_of({self.metric: found}, period=key[0], group=name)

    def _figures(self, rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[FigureValue, tuple[object, ...]]]:
        if self.metric == "mean_rating":
            yield from _ratings(rows, keys)
        elif self.metric in SINGLE:
            yield from _single(rows, keys, self.metric)
        else:
            wanted = self.metric.partition(".")[0]
            mine = rows if self.metric == "combined" else rows[rows["instrument"] == wanted]
            for key, part in mine.groupby(keys, sort=True):
                yield self._one(part), key

    def _one(self, answers: pd.DataFrame) -> FigureValue:
        if self.metric == "combined":
            return combined.figure_of(answers, self.instruments)
        if "." not in self.metric:
            return satisfaction.figures(pd.DataFrame(columns=["participant", "rating"]), answers)[self.metric]
        both = satisfaction.constructs(answers, self.instruments).get(self.metric.removesuffix(".alpha"))
        if both is None:
            return missing("nobody answered", "", n=0)
        return both.alpha if self.metric.endswith(".alpha") else both.score


def _ratings(rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[FigureValue, tuple[object, ...]]]:
    sums = rows.groupby([*keys, "participant"], sort=True)["rating"].agg(["sum", "count"])
    means, counts = (sums["sum"] / sums["count"]).to_numpy(), sums["count"].to_numpy()
    for key, first, last in _stretches(sums.index.to_frame(index=False), keys):
        words = satisfaction.rating_words(int(counts[first:last].sum()))
        yield figure(bounded_mean(means[first:last], low=1, high=5), words), key


def _single(rows: pd.DataFrame, keys: list[str], metric: str) -> Iterator[tuple[FigureValue, tuple[object, ...]]]:
    asked = rows[(rows["instrument"] == metric) & (rows["question"] == "score") & rows["value"].notna()]
    last = asked.sort_values([*keys, "participant", "wave"], kind="stable").drop_duplicates(
        [*keys, "participant"], keep="last"
    )
    values = last["value"].to_numpy(dtype=np.float64)
    make, words = SINGLE[metric]
    for key, first, end in _stretches(last, keys):
        yield figure(make(values[first:end]), words), key  # type: ignore[arg-type]


def _stretches(ordered: pd.DataFrame, keys: list[str]) -> Iterator[tuple[tuple[object, ...], int, int]]:
    """The key, first and last row of every group of rows that lie together."""
    if ordered.empty:
        return
    change = np.zeros(len(ordered), dtype=bool)
    change[0] = True
    for name in keys:
        column = ordered[name].reset_index(drop=True)
        change |= (column != column.shift()).fillna(True).to_numpy(dtype=bool)
    starts = np.flatnonzero(change)
    for first, last in zip(starts, [*starts[1:], len(ordered)], strict=True):
        yield tuple(ordered[name].iloc[first] for name in keys), int(first), int(last)
