"""The arms against the control, as everything that was collected so far has it."""

from typing import NamedTuple

import pandas as pd
from sqlmodel import Session

from db.queries import arms_of
from db.tables import Study
from recux.evaluation import rows
from recux.evaluation.experiment import Comparison, Data, Split, comparisons, sample_ratio
from recux.evaluation.exposure import exposures
from recux.evaluation.scope import live


class Experiment(NamedTuple):
    """What an experiment says now."""

    split: Split
    comparisons: list[Comparison]
    """The primary metric first, then by metric and arm."""

    @property
    def primary(self) -> list[Comparison]:
        """Those that decide."""
        return [one for one in self.comparisons if one.primary]


def now(session: Session, study: Study) -> Experiment:
    """Every arm against the first, over all that counts at this moment, batched or not."""
    assert study.id is not None
    scope = live(study)
    arms = arms_of(session, study.id)
    ratings, acts = rows.ratings(session, scope), rows.interactions(session, scope)
    shown = exposures(rows.impressions(session, scope), ratings, acts)
    data = Data(ratings, rows.answers(session, scope), shown)
    split = sample_ratio(rows.people(session, scope), {arm.key: arm.weight for arm in arms})
    found = comparisons(
        data, [arm.key for arm in arms], study.primary_metric, recorded=set(acts["kind"].unique()), split_ok=split.ok
    )
    return Experiment(split, found)


def table(found: list[Comparison]) -> pd.DataFrame:
    """Comparisons as rows: ``metric``, ``arm``, ``value``, ``ci_low``, ``ci_high``, ``n``, ``p_adjusted``, ``margin``,
    ``verdict``, ``because``.
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
            }
            for one in found
        ]
    )
