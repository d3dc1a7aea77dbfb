"""One metric of one group of people minus that of another: other people, or the same people twice."""

import numpy as np
import pandas as pd

from recux.evaluation.figure import FigureValue, missing
from recux.evaluation.recommendation import RATES, per_person
from recux.evaluation.satisfaction import single
from recux.evaluation.values import Data, values_of
from recux.stats import (
    Difference,
    compare_crossover,
    compare_means,
    compare_nps,
    compare_paired,
    compare_proportions,
)
from recux.stats.clusters import RatioSums, ratio_sums
from recux.stats.means import welch_of


def between(metric: str, a: Data, b: Data) -> Difference:
    """B minus a of different people; answers must be of one wave a person."""
    if metric == "nps":
        return compare_nps(single(a.answers, "nps"), single(b.answers, "nps"))
    if metric == "csat":
        ups = [(int((scores >= 4).sum()), len(scores)) for scores in (single(x.answers, "csat") for x in (a, b))]
        return compare_proportions(*ups[0], *ups[1])
    if metric in RATES:
        return welch_of(*(rate_sums(x, RATES[metric][0]).linearised() for x in (a, b)))
    return compare_means(values_of(metric, a).to_numpy(), values_of(metric, b).to_numpy())


def within(metric: str, a: Data, b: Data, a_first: "pd.Series[bool]") -> Difference:
    """B minus a of the same people in both arms; ``a_first`` says by person which arm came first.

    A crossover comparison, so that a change over time cancels out; where fewer than two people had one of the orders,
    a paired one, which cannot tell the arms from the order.
    """
    values_a, values_b = values_of(metric, a), values_of(metric, b)
    people = values_a.index.intersection(values_b.index).intersection(a_first.index)
    x, y, first = values_a[people].to_numpy(), values_b[people].to_numpy(), a_first[people].to_numpy(dtype=bool)
    if min(first.sum(), (~first).sum()) < 2:
        return compare_paired(x, y)
    return compare_crossover(x, y, first).effect


def rate_sums(data: Data, column: str) -> RatioSums:
    """What the rate of ``column`` among the shown items needs, over people."""
    if data.exposures.empty:
        return ratio_sums(np.empty(0), np.empty(0))
    done, shown, _ = per_person(data.exposures, column)
    return ratio_sums(done, shown)


def people_in(result: Difference, *, paired: bool) -> int:
    """Number of people behind a difference; the paired t test counts the same ones twice."""
    same = paired and result.method.startswith("paired")
    return result.n_a if same else result.n_a + result.n_b


def as_figure(result: Difference, definition: str, *, paired: bool = False) -> FigureValue:
    """A difference as a figure; n counts people."""
    n = people_in(result, paired=paired)
    if result.difference is None or result.ci_low is None or result.ci_high is None:
        return missing(result.reason or "not estimable", definition, n=n)
    return FigureValue(result.difference, result.ci_low, result.ci_high, n, definition, result.method)
