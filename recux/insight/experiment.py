"""The arms against the control, as everything that was collected so far has it: also while it still runs."""

from dataclasses import replace
from typing import NamedTuple

import pandas as pd
from sqlmodel import Session

from db.tables import Study
from recux.evaluation.contrasts import as_figure
from recux.evaluation.experiment import Comparison, Data, Split, judge
from recux.evaluation.satisfaction import last_wave
from recux.evaluation.scope import live
from recux.evaluation.snapshot import Snapshot, snapshot
from recux.evaluation.values import values_of
from recux.insight.segments import segments
from recux.insight.small_groups import hide_comparison
from recux.stats import monitor

WATCHED_FROM = 30
"""People an arm from which a running pilot can be watched; a smaller plan is taken for this many."""


class Broken(NamedTuple):
    """A promise that an arm does not keep."""

    arm: str
    metric: str
    value: float
    promised: float


class Experiment(NamedTuple):
    """What an experiment says now."""

    split: Split
    comparisons: list[Comparison]
    """The primary metric first, then by metric and arm. While a planned pilot runs, the primary ones are judged by
    intervals that hold however often one looks."""
    running: bool
    """Whether that is so: fewer people are there than were planned, and more may come."""
    people: dict[str, int]
    """People by arm who have a value of the primary metric."""
    segments: pd.DataFrame
    """The primary metric in cohorts, languages and categories; see ``segments``."""
    broken: list[Broken]
    """Promises of speed and reliability that an arm does not keep."""

    @property
    def primary(self) -> list[Comparison]:
        """Those that decide."""
        return [one for one in self.comparisons if one.primary]

    @property
    def guardrails(self) -> list[Comparison]:
        """What else got worse."""
        return [one for one in self.comparisons if not one.primary and one.verdict == "worse"]


def now(session: Session, study: Study) -> Experiment:
    """Every arm against the first, over all that counts at this moment, batched or not."""
    data = snapshot(session, study, live(study))
    rows = Data(data.ratings, last_wave(data.answers), data.exposures, data.instruments)
    values = {arm: values_of(study.primary_metric, rows.of_arm(arm)) for arm in data.arms}
    people = {arm: len(found) for arm, found in values.items()}
    running = study.status in {"live", "paused"} and min(people.values(), default=0) < (study.planned_n or 0)
    found, split = data.comparisons(), data.sample_ratio()
    if running and split.ok is not False:
        found = [_watched(one, values, study.planned_n or 0) if one.primary else one for one in found]
    found = [hide_comparison(one, people, study.min_group) for one in found]
    return Experiment(split, found, running, people, segments(session, study, data), _broken(data, study))


def table(found: list[Comparison]) -> pd.DataFrame:
    """Comparisons as rows: ``metric``, ``arm``, ``value``, ``ci_low``, ``ci_high``, ``n``, ``p_adjusted``, ``margin``,
    ``verdict``, ``because``, and for verdicts that are open ``more_people`` an arm that would tell, with
    ``more_people_low`` and ``more_people_high`` (missing: not known, or not needed).
    """
    return pd.DataFrame(
        [
            {
                "metric": one.metric,
                "arm": one.arm,
                "value": one.difference.value,
                "ci_low": one.difference.ci_low,
                "ci_high": one.difference.ci_high,
                "n": one.difference.n,
                "p_adjusted": one.p_adjusted,
                "margin": one.margin,
                "verdict": one.verdict,
                "because": one.because,
                "more_people": one.further.n_per_arm if one.further else None,
                "more_people_low": one.further.low if one.further else None,
                "more_people_high": one.further.high if one.further else None,
            }
            for one in found
        ]
    )


def _watched(one: Comparison, values: "dict[str, pd.Series[float]]", planned: int) -> Comparison:
    """The same comparison with an interval that may be looked at at any time, and judged by it."""
    if one.within:
        return one  # a crossover's people have both values; its interval is for one look, and the page says so
    a, b = values[one.control].to_numpy(), values[one.arm].to_numpy()
    result = monitor(a, b, planned_n=max(planned, WATCHED_FROM))
    difference = as_figure(result, one.difference.definition)
    verdict, because = judge(difference, result.p, one.margin)
    return replace(one, difference=difference, p=result.p, p_adjusted=result.p, verdict=verdict, because=because)


def _broken(data: Snapshot, study: Study) -> list[Broken]:
    found = []
    for arm in data.arms:
        figures = data.of_arm(arm).stability()
        for metric, promised in study.objectives.items():
            value = figures[metric].value if metric in figures else None
            if value is not None and value > promised:
                found.append(Broken(arm, metric, value, promised))
    return found
